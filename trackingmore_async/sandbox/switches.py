"""What nobody knows about the remote API, each as a switch (API.md 12)."""

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
    """The unknowns of the remote API that change an outcome. The defaults are what API.md recommends.

    Args:
        single_not_found: Code of GET for an unknown number; 200 answers success without data (API.md 3.2, 12.10).
        empty_list: Code of a list in which nothing matches; 200 has ``items: []`` (API.md 3.6, 12.10).
        page_beyond_end: The same for a page after the last; None means as ``empty_list`` (API.md 12.15).
        empty_array: Code for a batch without items (API.md 12.5).
        errors_when_empty: Whether ``errors`` is sent when nothing failed (API.md 12.5).
        create_code: Code of a single create (API.md 3.1, 12.3).
        recreate_code: Code of a create of a number that was known before (API.md 3.1).
        batch_code: Code of a create batch (API.md 3.5, 12.3).
        partial_batch_code: Code of a batch in which some items failed; None means as usual (API.md 3.5).
        all_failed_batch: "partial" answers success with errors, "error" the first item's code (API.md 12.5).
        max_items: Most items of one batch (API.md 3.5, 12.14).
        max_items_by_bucket: The same for single buckets, by name.
        oversize: A longer batch is refused with 4020, or its first items are done under code 202 (API.md 6).
        delete_entry: Keys of a delete entry's ``meta`` (API.md 3.8, 12.4).
        stop_entry: Keys of a notupdate entry (API.md 3.13, 12.4).
        delete_failures: Where a failed delete is told (API.md 12.4).
        stop_failures: Where a failed notupdate is told (API.md 12.4).
        update_failures: Where a failed edit is told (API.md 12.4).
        error_data: What ``data`` is where there is nothing to return (API.md 1.2, 12.2).
        http_status_of_errors: "ok" sends application errors under HTTP 200, "real" under 400, 401... (API.md 1.3).
        http_status_429: HTTP status of a 429 (API.md 12.1).
        real_protocol_status: 404, 405 and 5xx as HTTP status too, not only as ``meta.code`` (API.md 1.3).
        rate_limit_body: What a 429 carries (API.md 12.1).
        retry_after: The Retry-After header of a 429: none, seconds, or an HTTP date (API.md 7).
        ban_restarts: Whether a request during a ban begins the ban anew (API.md 7).
        quota_code: Code when the quota is used up (API.md 6).
        quota_blocks_reads: Whether an empty quota also refuses reads (API.md 3.2).
        edit_moves_updated_at: Whether an edit changes ``updated_at`` (API.md 8).
        edit_null: What null does to a field in an edit (API.md 12.13).
        edit_empty: What an empty string does to a field in an edit (API.md 12.13).
        edit_echo: Whether an edit echoes all fields or those sent (API.md 3.3, 12.13).
        echo_of_automatic: The PUT echo for ``status`` 8: the number, or the word (API.md 12.16).
        override_survives_refresh: Whether a set status outlives the next refresh (API.md 12.16).
        realtime_repeat: What a second realtime request within two hours gets (API.md 3.9, 12.12).
        realtime_stores: Whether realtime creates the tracking (API.md 12.12).
        realtime_quota: What a realtime request costs (API.md 12.12).
        total_as: Type of the list's ``total`` (API.md 1.4).
        counters_as: Type of the counters of getstatusnumber (API.md 12.8).
        extra_counter: Whether getstatusnumber also counts ``inforeceived`` (API.md 12.8).
        transit_layout: Outer layout of costtime (API.md 12.6).
        transit_numbers: How costtime writes a share (API.md 12.6).
        destination_info: One of the three shapes for every tracking, or all of them mixed (API.md 2).
        pending_shape: ``trackinfo`` before the first event; "no_origin" leaves ``origin_info`` out (API.md 12.11).
        never_updated: ``updated_at`` of a read before the first refresh (API.md 1.4).
        never_updated_echo: The same in the answer to an edit (API.md 1.4).
        archived_in_reads: Whether reads have the key (API.md 1.4).
        email_as: Type of ``customer_email`` in reads (API.md 1.4).
        phone_as: Type of the account's ``phone`` (API.md 12.9).
        single_get_in_utc: Times of a single GET with ``+00:00`` (API.md 3.2).
        list_order: Sort order of the list (API.md 12.15).
        limit_too_large: A ``limit`` above 2000 is cut down to it, or refused with 4012 (API.md 12.15).
        case_sensitive: Whether carrier and number must match by case (API.md 12.18).
        trim_numbers: Whether blanks around a number are cut off; else they are 4014 (API.md 12.18).
        known_carriers_only: Whether a carrier must be in the sandbox's list (API.md 6, code 4015).
        detect_none: Code when no carrier is detected (API.md 3.18).
        air_unknown: An air waybill without data: key missing, or without ``return_data`` (API.md 3.16).
        remote_other: Whether ``other`` lists the queries that are not remote (API.md 12.7).
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
