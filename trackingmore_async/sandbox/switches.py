"""What nobody knows about the remote API, each as a switch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import attrs

__all__ = ["EntryShape", "Failures", "Switches"]

EntryShape = Literal["full", "number+code", "number+carrier", "number"]
"""Which keys an entry of a delete or notupdate answer has beside the tracking number."""

Failures = Literal["inline", "errors", "omitted"]
"""Where a batch answer tells of a failed item: among the entries, in ``errors``, or nowhere."""


@attrs.frozen(kw_only=True)
class Switches:
    """The unknowns of the remote API that change an outcome. The defaults are the likeliest ones.

    Args:
        single_not_found: Code of GET for an unknown number; 200 answers success without data.
        empty_list: Code of a list in which nothing matches; 200 has ``items: []``.
        page_beyond_end: The same for a page after the last; None means as ``empty_list``.
        empty_array: Code for a batch without items.
        errors_when_empty: Whether ``errors`` is sent when nothing failed.
        create_code: Code of a single create.
        recreate_code: Code of a create of a number that was known before.
        batch_code: Code of a create batch.
        partial_batch_code: Code of a batch in which some items failed; None means as usual.
        all_failed_batch: "partial" answers success with errors, "error" the first item's code.
        max_items: Most items of one batch.
        max_items_by_bucket: The same for single buckets, by name.
        oversize: A longer batch is refused with 4020, or its first items are done under code 202.
        delete_entry: Keys of a delete entry's ``meta``.
        stop_entry: Keys of a notupdate entry.
        delete_failures: Where a failed delete is told.
        stop_failures: Where a failed notupdate is told.
        update_failures: Where a failed edit is told.
        error_data: What ``data`` is where there is nothing to return.
        http_status_of_errors: "ok" sends application errors under HTTP 200, "real" under 400, 401 and so on.
        http_status_429: HTTP status of a 429.
        real_protocol_status: 404, 405 and 5xx as HTTP status too, not only as ``meta.code``.
        rate_limit_body: What a 429 carries.
        retry_after: The Retry-After header of a 429: none, seconds, or an HTTP date.
        ban_restarts: Whether a request during a ban begins the ban anew.
        quota_code: Code when the quota is used up.
        quota_blocks_reads: Whether an empty quota also refuses reads.
        edit_moves_updated_at: Whether an edit changes ``updated_at``.
        edit_null: What null does to a field in an edit.
        edit_empty: What an empty string does to a field in an edit.
        edit_echo: Whether an edit echoes all fields or those sent.
        echo_of_automatic: The PUT echo for ``status`` 8: the number, or the word.
        override_survives_refresh: Whether a set status outlives the next refresh.
        realtime_repeat: What a second realtime request within two hours gets.
        realtime_stores: Whether realtime creates the tracking.
        realtime_quota: What a realtime request costs.
        total_as: Type of the list's ``total``.
        counters_as: Type of the counters of getstatusnumber.
        extra_counter: Whether getstatusnumber also counts ``inforeceived``.
        transit_layout: Outer layout of costtime.
        transit_numbers: How costtime writes a share.
        destination_info: One of the three shapes for every tracking, or all of them mixed.
        pending_shape: ``trackinfo`` before the first event; "no_origin" leaves ``origin_info`` out.
        never_updated: ``updated_at`` of a read before the first refresh.
        never_updated_echo: The same in the answer to an edit.
        archived_in_reads: Whether reads have the key.
        email_as: Type of ``customer_email`` in reads.
        phone_as: Type of the account's ``phone``.
        single_get_in_utc: Times of a single GET with ``+00:00``.
        list_order: Sort order of the list.
        limit_too_large: A ``limit`` above 2000 is cut down to it, or refused with 4012.
        case_sensitive: Whether carrier and number must match by case.
        trim_numbers: Whether blanks around a number are cut off; else they are 4014.
        known_carriers_only: Whether a carrier must be in the sandbox's list.
        detect_none: Code when no carrier is detected.
        air_unknown: An air waybill without data: key missing, or without ``return_data``.
        remote_other: Whether ``other`` lists the queries that are not remote.
        date_header: Whether answers carry the ``Date`` header.

    Example:
        >>> Switches(single_not_found=4017, error_data="null")
    """

    single_not_found: Literal[4031, 4017, 200] = 4031
    empty_list: Literal[4031, 4017, 200] = 4031
    page_beyond_end: Literal[4031, 4017, 200] | None = None
    empty_array: Literal[4012, 4031, 200] = 4012
    errors_when_empty: Literal["absent", "list"] = "absent"
    create_code: Literal[200, 201, 202] = 200
    recreate_code: Literal[200, 201, 202] = 200
    batch_code: Literal[200, 201, 202] = 201
    partial_batch_code: Literal[200, 201, 202] | None = None
    all_failed_batch: Literal["partial", "error"] = "partial"
    max_items: int = 40
    max_items_by_bucket: Mapping[str, int] = attrs.field(factory=dict[str, int])
    oversize: Literal["refuse", "cut"] = "refuse"
    delete_entry: EntryShape = "full"
    stop_entry: EntryShape = "number+carrier"
    delete_failures: Failures = "inline"
    stop_failures: Failures = "errors"
    update_failures: Failures = "errors"
    error_data: Literal["list", "object", "null", "missing"] = "list"
    http_status_of_errors: Literal["ok", "real"] = "ok"
    http_status_429: Literal[429, 200] = 429
    real_protocol_status: bool = True
    rate_limit_body: Literal["envelope", "html", "empty"] = "envelope"
    retry_after: Literal["none", "seconds", "date"] = "none"
    ban_restarts: bool = True
    quota_code: Literal[4021, 4019] = 4021
    quota_blocks_reads: bool = False
    edit_moves_updated_at: bool = False
    edit_null: Literal["clear", "ignore"] = "clear"
    edit_empty: Literal["clear", "ignore"] = "clear"
    edit_echo: Literal["all", "sent"] = "all"
    echo_of_automatic: Literal["8", "word"] = "8"
    override_survives_refresh: bool = True
    realtime_repeat: Literal["cached", 202, 429, 4018] = "cached"
    realtime_stores: bool = False
    realtime_quota: float = 0.0
    total_as: Literal["string", "integer"] = "string"
    counters_as: Literal["integer", "string"] = "integer"
    extra_counter: bool = False
    transit_layout: Literal["list", "object"] = "list"
    transit_numbers: Literal["fraction", "percent", "string"] = "fraction"
    destination_info: Literal["mixed", "absent", "filled", "null"] = "mixed"
    pending_shape: Literal["null", "list", "missing", "no_origin"] = "null"
    never_updated: Literal["null", "epoch"] = "null"
    never_updated_echo: Literal["epoch", "null"] = "epoch"
    archived_in_reads: bool = True
    email_as: Literal["string", "list", "null"] = "string"
    phone_as: Literal["string", "integer", "null"] = "string"
    single_get_in_utc: bool = False
    list_order: Literal["newest", "oldest", "id"] = "newest"
    limit_too_large: Literal["cut", "refuse"] = "cut"
    case_sensitive: bool = True
    trim_numbers: bool = False
    known_carriers_only: bool = False
    detect_none: Literal[4032, 200] = 4032
    air_unknown: Literal["missing", "no_data"] = "missing"
    remote_other: Literal["queries", "empty"] = "queries"
    date_header: bool = True
