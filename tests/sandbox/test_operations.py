"""All eighteen operations, over a real socket."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.sandbox.helpers import DAY, FREE, PAIR, PATH, call, over_socket
from trackingmore_async.sandbox import BUCKETS, Sandbox

pytestmark = pytest.mark.anyio

OTHER = {"tracking_number": "ZZ100200300CN", "carrier_code": "china-post"}


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """Serve a sandbox that polices nothing."""
    async with Sandbox(rates=FREE, deleted_keys=("gone",)) as sandbox:
        yield sandbox


@pytest.fixture
async def client(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    """Connect to it."""
    async with over_socket(sandbox) as client:
        yield client


async def test_every_operation_has_its_bucket(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    """Each of the eighteen endpoints is counted in the bucket of its own name, with and without a final slash."""
    requests = [
        ("create", "POST", "/trackings/post"),
        ("get", "GET", PATH),
        ("update", "PUT", PATH),
        ("delete", "DELETE", PATH),
        ("create_many", "POST", "/trackings/batch"),
        ("update_many", "POST", "/trackings/updatemore"),
        ("delete_many", "POST", "/trackings/delete"),
        ("stop_updating_many", "POST", "/trackings/notupdate"),
        ("list", "GET", "/trackings/get"),
        ("realtime", "POST", "/trackings/realtime"),
        ("change_carrier", "POST", "/trackings/update"),
        ("account_info", "GET", "/trackings/getuserinfo"),
        ("status_counts", "GET", "/trackings/getstatusnumber"),
        ("carriers", "GET", "/carriers"),
        ("detect", "POST", "/carriers/detect"),
        ("remote_areas", "POST", "/trackings/remote"),
        ("transit_times", "POST", "/trackings/costtime"),
        ("air", "POST", "/trackings/aircargo"),
    ]
    assert [bucket for bucket, _, _ in requests] == list(BUCKETS)
    for bucket, method, path in requests:
        for variant in (path, f"{path}/"):
            before = sandbox.statistics().requests.get(bucket, 0)
            assert (await client.request(method, variant)).status_code == 200
            assert sandbox.statistics().requests[bucket] == before + 1


async def test_create_answer(client: httpx.AsyncClient) -> None:
    """A create answers pending, ``destination`` and an integer 0 for the missing time of the order."""
    code, data = await call(client, "POST", "/trackings/post", json={**PAIR, "title": "mug", "destination_code": "ca"})
    assert code == 200
    assert re.fullmatch(r"[0-9a-f]{32}", data["id"])
    assert (data["status"], data["order_create_time"], data["destination"]) == ("pending", 0, "ca")
    assert (data["title"], data["customer_name"]) == ("mug", None)
    assert await call(client, "POST", "/trackings/post", json=PAIR) == (4016, [])


async def test_id_is_derived(client: httpx.AsyncClient) -> None:
    """A tracking that is deleted and created again has the same id."""
    _, first = await call(client, "POST", "/trackings/post", json=PAIR)
    assert await call(client, "DELETE", PATH) == (200, [])
    assert await call(client, "DELETE", PATH) == (4017, [])
    _, second = await call(client, "POST", "/trackings/post", json=PAIR)
    assert first["id"] == second["id"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"carrier_code": "zto"}, 4013),
        ({"carrier_code": "zto", "tracking_number": "ab 12345"}, 4014),
        ({"carrier_code": "zto", "tracking_number": "1234"}, 4014),
        ({"tracking_number": "12345"}, 4015),
        ({"tracking_number": "12345", "carrier_code": "z/to"}, 4015),
        ([], 4012),
    ],
)
async def test_what_a_create_refuses(client: httpx.AsyncClient, body: object, code: int) -> None:
    """A number or carrier that is missing or malformed has its own code, under HTTP 200."""
    response = await client.post("/trackings/post", json=body)
    assert (response.status_code, response.json()["meta"]["code"]) == (200, code)


async def test_form_is_not_understood(client: httpx.AsyncClient) -> None:
    """A form instead of JSON is answered with 4015, as the vendor's FAQ says."""
    assert await call(client, "POST", "/trackings/post", data=PAIR) == (4015, [])
    assert await call(client, "POST", "/trackings/batch", data=PAIR) == (4015, [])


async def test_read_of_a_pending_tracking(client: httpx.AsyncClient) -> None:
    """Before the first look there are no events, and ``updated_at`` is null."""
    await call(client, "POST", "/trackings/post", json={**PAIR, "order_create_time": "2017/8/27 16:51"})
    code, item = await call(client, "GET", PATH)
    assert code == 200
    assert (item["status"], item["updated_at"], item["lastUpdateTime"]) == ("pending", None, None)
    assert item["origin_info"]["trackinfo"] is None
    assert item["order_create_time"] == "2017-08-27 16:51"
    assert item["archived"] is False


async def test_read_of_a_delivered_tracking(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    """Counters, last event and status follow from the events as in the captures."""
    for index in range(60):
        sandbox.create("china-ems", f"AB{index:06}")
    sandbox.clock.advance(80 * DAY)
    _, data = await call(client, "GET", "/trackings/get", params={"limit": 60})
    shapes: set[str] = set()
    for item in data["items"]:
        destination: dict[str, Any] = item.get("destination_info", {})
        shapes.add("absent" if not destination else "filled" if destination["carrier_code"] else "null")
        events: list[dict[str, Any]] = [
            *(destination.get("trackinfo") or []),
            *(item["origin_info"]["trackinfo"] or []),
        ]
        if item["status"] == "expired":
            assert events == []
            continue
        dates = [event["Date"] for event in events]
        assert dates == sorted(dates, reverse=True)
        if item["status"] == events[0]["checkpoint_status"]:
            assert item["lastUpdateTime"] == events[0]["Date"]
        received = [event["Date"] for event in events if event.get("ItemNode") == "ItemReceived"]
        assert received == [item["origin_info"]["ItemReceived"]]
        assert item["track_update"] is (item["status"] == "pickup" or item["status"] == "transit")
        assert isinstance(item["itemTimeLength"], int)
    assert shapes == {"absent", "filled", "null"}


async def test_last_event_joins_what_is_not_empty(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    """``lastEvent`` is text, place and time joined by commas, empty parts left out."""
    sandbox.seed_trackings(200)
    _, data = await call(client, "GET", "/trackings/get", params={"limit": 200, "status": "exception"})
    assert data["items"]
    for item in data["items"]:
        newest = item["origin_info"]["trackinfo"][0]
        joined = ",".join(filter(None, (newest["StatusDescription"], newest["Details"], newest["Date"])))
        assert re.sub(r"[\t\x0b]", "", item["lastEvent"]) == joined


async def test_both_precisions_occur(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    """Some event times have seconds and some have not."""
    sandbox.seed_trackings(200)
    text = (await client.get("/trackings/get", params={"limit": 200})).text
    assert re.search(r'"Date":"\d{4}-\d\d-\d\d \d\d:\d\d"', text)
    assert re.search(r'"Date":"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"', text)
    assert "\\/" in text
    assert "\\u" in text
    assert text.isascii()


async def test_edit_echo(client: httpx.AsyncClient) -> None:
    """PUT echoes archived and status as strings and the country as ``destination_code``."""
    await call(client, "POST", "/trackings/post", json=PAIR)
    body = {"title": "cup", "archived": "true", "status": 7, "customer_phone": "+86", "destination_code": "CN"}
    code, echo = await call(client, "PUT", PATH, json=body)
    assert code == 200
    assert {name: echo[name] for name in body} == {**body, "status": "7"}
    assert echo["updated_at"] == "1970-01-01T08:00:00+08:00"
    _, item = await call(client, "GET", PATH)
    assert (item["archived"], item["status"], item["title"]) == (True, "exception", "cup")


async def test_edits_are_partial(client: httpx.AsyncClient) -> None:
    """A field that is not sent keeps its value."""
    await call(client, "POST", "/trackings/post", json={**PAIR, "title": "mug", "order_id": "A-77"})
    await call(client, "PUT", PATH, json={"title": "cup"})
    _, item = await call(client, "GET", PATH)
    assert (item["title"], item["order_id"]) == ("cup", "A-77")


async def test_status_can_be_set_and_taken_back(client: httpx.AsyncClient) -> None:
    """4 means delivered, which stops the refreshing; 8 goes back; any other number is 4033."""
    await call(client, "POST", "/trackings/post", json=PAIR)
    assert (await call(client, "PUT", PATH, json={"status": "4"}))[0] == 200
    _, item = await call(client, "GET", PATH)
    assert (item["status"], item["track_update"]) == ("delivered", False)
    assert (await call(client, "PUT", PATH, json={"status": 8}))[1]["status"] == "8"
    _, item = await call(client, "GET", PATH)
    assert (item["status"], item["track_update"]) == ("pending", True)
    assert await call(client, "PUT", PATH, json={"status": 5}) == (4033, [])


async def test_a_boolean_does_not_archive(client: httpx.AsyncClient) -> None:
    """Only the strings "true" and "false" are understood."""
    await call(client, "POST", "/trackings/post", json=PAIR)
    await call(client, "PUT", PATH, json={"archived": True})
    assert (await call(client, "GET", PATH))[1]["archived"] is False


async def test_unknown_tracking(client: httpx.AsyncClient) -> None:
    """Reading an unknown number is 4031, editing or deleting it 4017."""
    assert await call(client, "GET", PATH) == (4031, [])
    assert await call(client, "PUT", PATH, json={}) == (4017, [])
    assert await call(client, "DELETE", PATH) == (4017, [])


async def test_create_batch(client: httpx.AsyncClient) -> None:
    """A batch is 201, tells failed items flat in ``errors``, and refuses a number that it has twice."""
    body = [PAIR, OTHER, PAIR, {"carrier_code": "zto"}]
    response = await client.post("/trackings/batch", json=body)
    whole = response.json()
    assert (response.status_code, whole["meta"]["code"], whole["meta"]["type"]) == (200, 201, "Created")
    data = whole["data"]
    assert (data["submitted"], data["added"], len(data["trackings"])) == (4, 2, 2)
    assert [(error["tracking_number"], error["code"]) for error in data["errors"]] == [
        ("LX900000017CN", 4016),
        ("", 4013),
    ]


async def test_update_batch(client: httpx.AsyncClient) -> None:
    """Updatemore echoes neither status nor phone, and the epoch for a tracking that was never updated."""
    await call(client, "POST", "/trackings/batch", json=[PAIR, OTHER])
    edit = {**PAIR, "status": 7, "customer_phone": "+86", "archived": "true", "title": "cup"}
    code, data = await call(client, "POST", "/trackings/updatemore", json=[edit, {**OTHER, "status": 9}])
    assert (code, data["submitted"], data["updated"]) == (200, 2, 1)
    (echo,) = data["trackings"]
    assert not {"status", "customer_phone"} & echo.keys()
    assert (echo["archived"], echo["updated_at"]) == ("true", "1970-01-01T08:00:00+08:00")
    assert [error["code"] for error in data["errors"]] == [4033]


async def test_delete_batch(client: httpx.AsyncClient) -> None:
    """The counter is called ``delete``, and each entry is wrapped in ``meta``."""
    await call(client, "POST", "/trackings/post", json=PAIR)
    code, data = await call(client, "POST", "/trackings/delete", json=[PAIR, OTHER])
    assert (code, data["submitted"], data["delete"]) == (200, 2, 1)
    assert [entry["meta"]["code"] for entry in data["trackings"]] == [200, 4017]
    assert next(iter(data["trackings"][0]["meta"])) == "tracking_number"


async def test_stop_batch(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    """The counter is called ``change``, and a stopped tracking is frozen and not updated any more."""
    await call(client, "POST", "/trackings/post", json=PAIR)
    code, data = await call(client, "POST", "/trackings/notupdate", json=[PAIR, OTHER])
    assert (code, data["submitted"], data["change"]) == (200, 2, 1)
    assert data["trackings"] == [{"tracking_number": "LX900000017CN", "carrier_code": "china-ems"}]
    sandbox.clock.advance(30 * DAY)
    _, item = await call(client, "GET", PATH)
    assert (item["status"], item["track_update"]) == ("pending", False)


@pytest.mark.parametrize("path", ["batch", "updatemore", "delete", "notupdate", "remote", "costtime"])
async def test_batches_have_a_largest_size(sandbox: Sandbox, client: httpx.AsyncClient, path: str) -> None:
    """More than forty items are refused whole with 4020, no item with 4012, an object with 4012."""
    items = [{**PAIR, "tracking_number": f"AB{index:06}"} for index in range(41)]
    assert await call(client, "POST", f"/trackings/{path}", json=items) == (4020, [])
    assert await call(client, "POST", f"/trackings/{path}", json=[]) == (4012, [])
    assert await call(client, "POST", f"/trackings/{path}", json={"items": items}) == (4012, [])
    assert len(sandbox.trackings) == 0


async def test_change_of_carrier(client: httpx.AsyncClient) -> None:
    """The tracking moves to the other carrier; an unknown one is 4017, a taken target 4016."""
    body = {**PAIR, "update_carrier_code": "china-post"}
    assert await call(client, "POST", "/trackings/update", json=body) == (4017, [])
    await call(client, "POST", "/trackings/post", json=PAIR)
    assert await call(client, "POST", "/trackings/update", json=body) == (200, {"Usertag": ""})
    assert (await call(client, "GET", "/trackings/china-post/LX900000017CN"))[0] == 200
    await call(client, "POST", "/trackings/post", json=PAIR)
    assert await call(client, "POST", "/trackings/update", json=body) == (4016, [])
    assert await call(client, "POST", "/trackings/update", json=PAIR) == (4012, [])


async def test_realtime(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    """Realtime answers one item for any number, stores nothing, and repeats itself for two hours."""
    code, data = await call(client, "POST", "/trackings/realtime", json=PAIR)
    assert (code, len(data["items"]), len(sandbox.trackings)) == (200, 1, 0)
    assert data["items"][0]["tracking_number"] == "LX900000017CN"
    assert "packageStatus" in data["items"][0]
    sandbox.clock.advance(3600)
    assert (await call(client, "POST", "/trackings/realtime", json=PAIR))[1] == data
    sandbox.clock.advance(3601)
    assert (await call(client, "POST", "/trackings/realtime", json=PAIR))[1] != data


async def test_account_and_counters(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    """The account tells its quota, the counters add up to all trackings."""
    sandbox.seed_trackings(500)
    _, info = await call(client, "GET", "/trackings/getuserinfo")
    assert (info["regtime"], info["track_number"]) == ("1500000000", 10_000_000)
    _, counts = await call(client, "GET", "/trackings/getstatusnumber")
    assert sum(counts.values()) == 500
    for status, count in counts.items():
        _, page = await call(client, "GET", "/trackings/get", params={"status": status, "limit": 1})
        assert page == [] if count == 0 else int(page["total"]) == count


async def test_carriers(client: httpx.AsyncClient) -> None:
    """The carriers have seven keys; the ``Lang`` header chooses the language."""
    code, english = await call(client, "GET", "/carriers")
    assert code == 200
    assert set(english[0]) == {"name", "code", "phone", "homepage", "type", "picture", "name_cn"}
    assert {carrier["type"] for carrier in english} == {"express", "globalpost"}
    assert any(carrier["name_cn"] is None for carrier in english)
    _, chinese = await call(client, "GET", "/carriers", headers={"Lang": "cn"})
    assert chinese[0]["name"] == english[0]["name_cn"]


async def test_detect(client: httpx.AsyncClient) -> None:
    """Detection answers the best guess first, and 4032 where there is none."""
    code, found = await call(client, "POST", "/carriers/detect", json={"tracking_number": "LX900000017CN"})
    assert (code, found[0]) == (200, {"name": "China EMS", "code": "china-ems"})
    assert len(found) > 1
    assert await call(client, "POST", "/carriers/detect", json={"tracking_number": "nothing-1"}) == (4032, [])


async def test_remote_areas(client: httpx.AsyncClient) -> None:
    """A place has as many rows as carriers call it remote; one that none does is in ``other``."""
    queries = [{"country": "JP", "postcode": str(postcode)} for postcode in range(30)]
    response = await client.post("/trackings/remote", json=queries)
    data = response.json()["data"]
    assert response.json()["meta"]["message"] == "The request was successful."
    assert data["submitted"] == 30
    codes = [row["far_city_postcode"] for row in data["remote"]]
    assert len(codes) > len(set(codes))
    assert set(codes) | {query["postcode"] for query in data["other"]} == {query["postcode"] for query in queries}
    assert data["remote"][0]["far_country"] == "Japan"


async def test_transit_times(client: httpx.AsyncClient) -> None:
    """The shares have no ``range2``."""
    query = {"carrier_code": "dhl", "original": "CN", "destination": "JP"}
    _, rows = await call(client, "POST", "/trackings/costtime", json=[query])
    assert rows[0].items() >= query.items()
    assert [name for name in rows[0] if name.startswith("range")] == ["range1", "range3", "range4", "range5", "range6"]


async def test_air(client: httpx.AsyncClient) -> None:
    """Waybills are keyed with a dash however they were asked for; one without data is missing."""
    body = {"track_number": ["172-12345675", "17212345686", "172-12345690"]}
    _, data = await call(client, "POST", "/trackings/aircargo", json=body)
    assert list(data) == ["172-12345675", "172-12345686"]
    assert data["172-12345675"]["return_data"]["flight_info"]["CV1234"]["arrival_station"] == "LUX"
    assert (await call(client, "POST", "/trackings/aircargo", json={"track_number": "172 12345675"}))[0] == 200
    assert await call(client, "POST", "/trackings/aircargo", json={"track_number": "x"}) == (4014, [])


async def test_keys(sandbox: Sandbox) -> None:
    """A wrong or missing key is 4001, a deleted one 4002, and neither is counted in a bucket."""
    for key, code in (("wrong", 4001), ("gone", 4002)):
        async with over_socket(sandbox, key) as client:
            assert await call(client, "GET", "/carriers") == (code, [])
    async with httpx.AsyncClient(base_url=sandbox.url) as client:
        assert await call(client, "GET", "/carriers") == (4001, [])
    assert (sandbox.statistics().unauthenticated, sandbox.statistics().total_requests) == (3, 0)


async def test_no_such_operation(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    """An unknown path is 404 and a wrong method 405, as HTTP status too."""
    for method, path, code in (("GET", "/nowhere", 404), ("PATCH", PATH, 405), ("GET", "/trackings/batch", 405)):
        response = await client.request(method, path)
        assert (response.status_code, response.json()["meta"]["code"]) == (code, code)
    assert sandbox.statistics().unrouted == 3


async def test_numbers_with_signs(client: httpx.AsyncClient) -> None:
    """A percent-encoded slash in a path is part of the number, not a new segment."""
    assert await call(client, "GET", "/trackings/zto/ab%2Fcd12") == (4014, [])


async def test_quota() -> None:
    """Creating costs 1, detecting 0.2, a waybill 20; re-creating is free; what cannot be paid is 4021."""
    async with Sandbox(rates=FREE, quota=21.2) as sandbox, over_socket(sandbox) as client:
        await call(client, "POST", "/trackings/post", json=PAIR)
        await call(client, "DELETE", PATH)
        await call(client, "POST", "/trackings/post", json=PAIR)
        assert sandbox.account.quota == 20.2
        await call(client, "POST", "/trackings/aircargo", json={"track_number": "172-12345675"})
        await call(client, "POST", "/carriers/detect", json={"tracking_number": "LX900000017CN"})
        assert sandbox.account.quota == 0
        assert await call(client, "POST", "/trackings/post", json=OTHER) == (4021, [])
        _, data = await call(client, "POST", "/trackings/batch", json=[OTHER])
        assert data["errors"][0]["code"] == 4021
        assert (await call(client, "GET", PATH))[0] == 200
