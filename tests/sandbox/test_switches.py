"""Every unknown of the remote API is a switch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, get_args, get_type_hints

import attrs
import pytest

from tests.sandbox.helpers import DAY, FREE, PAIR, PATH, call, in_process
from trackingmore_async.sandbox import Sandbox, Switches

pytestmark = pytest.mark.anyio

OTHER = {"tracking_number": "ZZ100200300CN", "carrier_code": "china-post"}


async def ask(method: str, path: str, switches: Mapping[str, Any], **options: Any) -> tuple[int, Any]:
    """Ask a fresh sandbox with one tracking in it."""
    sandbox = Sandbox(rates=FREE, switches=Switches(**switches))
    sandbox.create("china-ems", "LX900000017CN")
    async with in_process(sandbox) as client:
        return await call(client, method, path, **options)


def test_every_switch_is_documented() -> None:
    """The class's docstring explains each switch."""
    text = Switches.__doc__ or ""
    assert all(re.search(rf"^ +{field.name}: ", text, re.MULTILINE) for field in attrs.fields(Switches))


def test_every_value_is_accepted() -> None:
    """Every value that a switch's type names makes a sandbox."""
    for name, hint in get_type_hints(Switches).items():
        values: list[Any] = [part for part in get_args(hint) if isinstance(part, str | int)]
        for value in values:
            Sandbox(switches=Switches(**{name: value}))


@pytest.mark.parametrize("code", [4031, 4017, 200])
async def test_nothing_found(code: int) -> None:
    """What a single read and a list answer when there is nothing is a switch each."""
    nowhere = "/trackings/zto/nothing-1"
    assert await ask("GET", nowhere, {"single_not_found": code}) == (code, [])
    empty: Any = {"page": 1, "limit": 100, "total": "0", "count": 0, "items": []} if code == 200 else []
    assert await ask("GET", "/trackings/get?status=expired", {"empty_list": code}) == (code, empty)
    seen, data = await ask("GET", "/trackings/get?page=9", {"page_beyond_end": code})
    assert seen == code
    assert data == [] or (data["items"], data["total"]) == ([], "1")


@pytest.mark.parametrize(("kind", "data"), [("list", []), ("object", {}), ("null", None), ("missing", "missing")])
async def test_data_of_an_error(kind: str, data: Any) -> None:
    """An error's ``data`` is an array, an object, null, or not there."""
    assert await ask("PUT", "/trackings/zto/nothing-1", {"error_data": kind}, json={}) == (4017, data)


async def test_errors_when_nothing_failed() -> None:
    """``errors`` is absent or empty when nothing failed."""
    assert "errors" not in (await ask("POST", "/trackings/batch", {}, json=[OTHER]))[1]
    assert (await ask("POST", "/trackings/batch", {"errors_when_empty": "list"}, json=[OTHER]))[1]["errors"] == []


async def test_success_codes() -> None:
    """A create and a batch may be 200, 201 or 202, and a partial batch something else."""
    for code in (200, 201, 202):
        assert (await ask("POST", "/trackings/post", {"create_code": code}, json=OTHER))[0] == code
        assert (await ask("POST", "/trackings/batch", {"batch_code": code}, json=[OTHER]))[0] == code
    partial = {"partial_batch_code": 202}
    assert (await ask("POST", "/trackings/batch", partial, json=[OTHER, PAIR]))[0] == 202
    assert (await ask("POST", "/trackings/batch", partial, json=[OTHER]))[0] == 201


async def test_batch_in_which_all_failed() -> None:
    """A batch in which everything failed is a success with errors, or the error of its first item."""
    assert (await ask("POST", "/trackings/batch", {}, json=[PAIR]))[1]["added"] == 0
    assert await ask("POST", "/trackings/batch", {"all_failed_batch": "error"}, json=[PAIR]) == (4016, [])


async def test_largest_batch() -> None:
    """The largest size can be set for all and for one; beyond it the rest may be cut off under 202."""
    three = [{**OTHER, "tracking_number": f"AB{index:06}"} for index in range(3)]
    assert (await ask("POST", "/trackings/batch", {"max_items": 2}, json=three))[0] == 4020
    assert (await ask("POST", "/trackings/batch", {"max_items_by_bucket": {"create_many": 2}}, json=three))[0] == 4020
    code, data = await ask("POST", "/trackings/batch", {"max_items": 2, "oversize": "cut"}, json=three)
    assert (code, data["added"]) == (202, 2)


@pytest.mark.parametrize(
    ("shape", "keys"),
    [
        ("full", {"tracking_number", "carrier_code", "code", "type", "message"}),
        ("number+code", {"tracking_number", "code", "type", "message"}),
        ("number+carrier", {"tracking_number", "carrier_code"}),
        ("number", {"tracking_number"}),
    ],
)
async def test_entries(shape: str, keys: set[str]) -> None:
    """The entries of delete and notupdate have more or fewer keys."""
    _, data = await ask("POST", "/trackings/delete", {"delete_entry": shape}, json=[PAIR])
    assert data["trackings"][0]["meta"].keys() == keys
    _, data = await ask("POST", "/trackings/notupdate", {"stop_entry": shape}, json=[PAIR])
    assert data["trackings"][0].keys() == keys


@pytest.mark.parametrize(
    ("path", "switch"),
    [("delete", "delete_failures"), ("notupdate", "stop_failures"), ("updatemore", "update_failures")],
)
async def test_where_failures_are_told(path: str, switch: str) -> None:
    """A failed item stands among the entries, in ``errors``, or nowhere."""
    seen = {}
    for place in ("inline", "errors", "omitted"):
        _, data = await ask("POST", f"/trackings/{path}", {switch: place}, json=[PAIR, OTHER])
        seen[place] = (len(data["trackings"]), len(data.get("errors", [])))
    assert seen == {"inline": (2, 0), "errors": (1, 1), "omitted": (1, 0)}


async def test_http_status_of_errors() -> None:
    """Application errors come under HTTP 200 or under a status of their own."""
    for kind, statuses in (("ok", [200, 200, 200]), ("real", [401, 404, 400])):
        sandbox = Sandbox(rates=FREE, switches=Switches(http_status_of_errors=kind))  # type: ignore[arg-type]
        async with in_process(sandbox) as client:
            answers = [
                await client.get(PATH, headers={"Trackingmore-Api-Key": "wrong"}),
                await client.put(PATH, json={}),
                await client.post("/trackings/post", json={}),
            ]
        assert [answer.status_code for answer in answers] == statuses


@pytest.mark.parametrize(
    ("switches", "status", "body", "header"),
    [
        ({}, 429, "meta", None),
        ({"http_status_429": 200}, 200, "meta", None),
        ({"rate_limit_body": "html"}, 429, "<html>", None),
        ({"rate_limit_body": "empty"}, 429, "", None),
        ({"retry_after": "seconds"}, 429, "meta", "120"),
        ({"retry_after": "date"}, 429, "meta", "Fri, 15 Mar 2024 02:09:58 GMT"),
    ],
)
async def test_refusals(switches: dict[str, Any], status: int, body: str, header: str | None) -> None:
    """A 429 is an HTTP status or inside a 200, with any body, with or without Retry-After."""
    sandbox = Sandbox(switches=Switches(**switches), epoch=1_710_468_478)
    async with in_process(sandbox) as client:
        await client.get("/carriers")
        answer = await client.get("/carriers")
    assert (answer.status_code, answer.headers.get("retry-after")) == (status, header)
    assert body in answer.text
    assert bool(body) is bool(answer.text)


async def test_quota_switches() -> None:
    """An empty quota is 4021 or 4019, and may refuse reads too."""
    sandbox = Sandbox(rates=FREE, quota=0, switches=Switches(quota_code=4019, quota_blocks_reads=True))
    async with in_process(sandbox) as client:
        assert await call(client, "POST", "/trackings/post", json=PAIR) == (4019, [])
        assert await call(client, "GET", PATH) == (4019, [])
        assert await call(client, "GET", "/trackings/get") == (4019, [])


async def test_edits_and_the_time_of_update() -> None:
    """An edit leaves ``updated_at`` alone unless the switch says otherwise."""
    assert (await ask("PUT", PATH, {}, json={"title": "x"}))[1]["updated_at"] == "1970-01-01T08:00:00+08:00"
    assert (await ask("PUT", PATH, {"never_updated_echo": "null"}, json={}))[1]["updated_at"] is None
    moved = (await ask("PUT", PATH, {"edit_moves_updated_at": True}, json={"title": "x"}))[1]
    assert moved["updated_at"] == moved["created_at"]


@pytest.mark.parametrize(("kind", "left"), [("clear", ""), ("ignore", "mug")])
async def test_null_and_empty_in_edits(kind: Any, left: str) -> None:
    """Null and the empty string clear a field or leave it."""
    for value, switch in ((None, "edit_null"), ("", "edit_empty")):
        sandbox = Sandbox(rates=FREE, switches=Switches(**{switch: kind}))
        sandbox.create("china-ems", "LX900000017CN", title="mug")
        async with in_process(sandbox) as client:
            await call(client, "PUT", PATH, json={"title": value})
            assert (await call(client, "GET", PATH))[1]["title"] == left


async def test_what_an_edit_echoes() -> None:
    """An edit echoes all fields or those that were sent; 8 as number or word."""
    _, echo = await ask("PUT", PATH, {"edit_echo": "sent"}, json={"title": "x"})
    assert "title" in echo
    assert "order_id" not in echo
    assert (await ask("PUT", PATH, {"echo_of_automatic": "word"}, json={"status": 8}))[1]["status"] == "pending"


@pytest.mark.parametrize("survives", [True, False])
async def test_a_set_status_and_the_next_refresh(survives: bool) -> None:
    """A status that was set outlives the next refresh or does not."""
    sandbox = Sandbox(rates=FREE, switches=Switches(override_survives_refresh=survives))
    sandbox.create("china-ems", "LX900000017CN")
    async with in_process(sandbox) as client:
        await call(client, "PUT", PATH, json={"status": 7})
        assert (await call(client, "GET", PATH))[1]["status"] == "exception"
        sandbox.clock.advance(DAY)
        assert ((await call(client, "GET", PATH))[1]["status"] == "exception") is survives


@pytest.mark.parametrize(("outcome", "code"), [("cached", 200), (202, 202), (429, 429), (4018, 4018)])
async def test_realtime_repeated(outcome: Any, code: int) -> None:
    """A second realtime request within two hours has a configurable outcome, another number none."""
    sandbox = Sandbox(rates=FREE, switches=Switches(realtime_repeat=outcome))
    async with in_process(sandbox) as client:
        codes = [(await call(client, "POST", "/trackings/realtime", json=body))[0] for body in (PAIR, PAIR, OTHER)]
    assert codes == [200, code, 200]


async def test_realtime_stores_and_costs() -> None:
    """Realtime may store the tracking and cost quota."""
    sandbox = Sandbox(rates=FREE, quota=1.5, switches=Switches(realtime_stores=True, realtime_quota=1.0))
    async with in_process(sandbox) as client:
        await call(client, "POST", "/trackings/realtime", json=PAIR)
        assert ("china-ems", "LX900000017CN") in sandbox.trackings
        assert await call(client, "POST", "/trackings/realtime", json=OTHER) == (4021, [])


async def test_types_of_numbers() -> None:
    """Counters and totals are integers or strings, the phone a string, an integer or null."""
    assert (await ask("GET", "/trackings/get", {"total_as": "integer"}))[1]["total"] == 1
    counts = (await ask("GET", "/trackings/getstatusnumber", {"counters_as": "string", "extra_counter": True}))[1]
    assert (counts["pending"], counts["inforeceived"]) == ("1", "0")
    phones = [
        (await ask("GET", "/trackings/getuserinfo", {"phone_as": kind}))[1]["phone"]
        for kind in ("string", "integer", "null")
    ]
    assert phones == ["+4930000000", 4930000000, None]


async def test_transit_times_layout() -> None:
    """Transit times are a list or inside an object, shares fractions, percents or strings."""
    query = [{"carrier_code": "dhl", "original": "CN", "destination": "JP"}]
    _, data = await ask("POST", "/trackings/costtime", {"transit_layout": "object"}, json=query)
    assert data["submitted"] == 1
    for kind, share in (("fraction", 0.4), ("percent", 40), ("string", "40.00%")):
        _, rows = await ask("POST", "/trackings/costtime", {"transit_numbers": kind}, json=query)
        assert rows[0]["range1"] == share


async def test_shapes_of_a_read() -> None:
    """A pending tracking's events, the time before the first refresh, the e-mail and archived vary."""
    origins = [(await ask("GET", PATH, {"pending_shape": shape}))[1].get("origin_info", "gone")
               for shape in ("null", "list", "missing", "no_origin")]  # fmt: skip
    assert [origins[0]["trackinfo"], origins[1]["trackinfo"]] == [None, []]
    assert "trackinfo" not in origins[2]
    assert origins[3] == "gone"
    assert (await ask("GET", PATH, {"never_updated": "epoch"}))[1]["updated_at"] == "1970-01-01T08:00:00+08:00"
    assert (await ask("GET", PATH, {"single_get_in_utc": True}))[1]["created_at"].endswith("+00:00")
    assert "archived" not in (await ask("GET", PATH, {"archived_in_reads": False}))[1]
    assert [
        (await ask("GET", PATH, {"email_as": kind}))[1]["customer_email"] for kind in ("string", "list", "null")
    ] == [
        "",
        [],
        None,
    ]


@pytest.mark.parametrize("mode", ["absent", "filled", "null"])
async def test_destination_info(mode: Any) -> None:
    """The destination's leg is absent, filled, or all null, for every tracking."""
    sandbox = Sandbox(rates=FREE, switches=Switches(destination_info=mode))
    sandbox.seed_trackings(100)
    async with in_process(sandbox) as client:
        _, data = await call(client, "GET", "/trackings/get", params={"limit": 100})
    legs = [item.get("destination_info", "absent") for item in data["items"]]
    kinds = {"absent" if leg == "absent" else "filled" if leg["carrier_code"] else "null" for leg in legs}
    assert kinds == {mode}


async def test_names() -> None:
    """Case, blanks and unknown carriers are told apart or not."""
    lower = "/trackings/CHINA-EMS/lx900000017cn"
    assert (await ask("GET", lower, {}))[0] == 4031
    assert (await ask("GET", lower, {"case_sensitive": False}))[0] == 200
    blank = {**OTHER, "tracking_number": " ZZ100200300CN "}
    assert (await ask("POST", "/trackings/post", {}, json=blank))[0] == 4014
    assert (await ask("POST", "/trackings/post", {"trim_numbers": True}, json=blank))[0] == 200
    strange = {**OTHER, "carrier_code": "never-heard-of"}
    assert (await ask("POST", "/trackings/post", {}, json=strange))[0] == 200
    assert (await ask("POST", "/trackings/post", {"known_carriers_only": True}, json=strange))[0] == 4015


async def test_other_switches() -> None:
    """Detection without a guess, a waybill without data, places that are not remote, a large limit, the date."""
    strange = {"tracking_number": "nothing-1"}
    assert await ask("POST", "/carriers/detect", {"detect_none": 200}, json=strange) == (200, [])
    waybill = {"track_number": "172-12345690"}
    _, data = await ask("POST", "/trackings/aircargo", {"air_unknown": "no_data"}, json=waybill)
    assert data["172-12345690"].keys() == {"airline_info"}
    places = [{"country": "JP", "postcode": str(index)} for index in range(20)]
    assert (await ask("POST", "/trackings/remote", {"remote_other": "empty"}, json=places))[1]["other"] == []
    assert (await ask("GET", "/trackings/get?limit=2001", {"limit_too_large": "refuse"}))[0] == 4012
    assert (await ask("POST", "/trackings/batch", {"empty_array": 200}, json=[]))[0] == 200
    async with in_process(Sandbox(switches=Switches(date_header=False))) as client:
        assert "date" not in (await client.get("/carriers")).headers
