"""Questions that are not about an account's trackings (API.md 3.11, 3.14 to 3.18)."""

from __future__ import annotations

import re
import zlib

from trackingmore_async.sandbox.account import COSTS
from trackingmore_async.sandbox.call import Call, as_list, as_object, text
from trackingmore_async.sandbox.carriers import carrier_list, detect_carriers
from trackingmore_async.sandbox.codes import Answer
from trackingmore_async.sandbox.endpoints.batches import batch_items
from trackingmore_async.sandbox.lifecycle import DAY, TWO_CODES
from trackingmore_async.sandbox.wire import naive_time

__all__ = ["account_info", "air", "carriers", "detect", "remote_areas", "transit_times"]

_AWB = re.compile(r"(\d{3})[ -]?(\d{7,8})")
_EXPRESS = ("dhl", "ups", "fedex", "tnt")


def account_info(call: Call) -> Answer:
    """Answer GET /trackings/getuserinfo (API.md 3.11)."""
    phones: dict[str, object] = {"string": "+4930000000", "integer": 4930000000, "null": None}
    account = call.account
    return Answer(
        200,
        {
            "email": account.email,
            "regtime": "1500000000",
            "phone": phones[call.switches.phone_as],
            "money": 120,
            "track_number": int(account.quota),
        },
    )


def carriers(call: Call) -> Answer:
    """Answer GET /carriers; the ``Lang`` header chooses the language (API.md 3.17)."""
    lang = call.route.lang or call.headers.get("lang") or call.query.get("lang", "")
    return Answer(200, carrier_list(lang.lower()))


def detect(call: Call) -> Answer:
    """Answer POST /carriers/detect (API.md 3.18)."""
    item = as_object(call.body)
    if item is None:
        return Answer(4015 if call.body is None else 4012)
    number = call.number(item.get("tracking_number"))
    trouble = call.plan.item_code(number) or call.check_names("any", number)
    if trouble in {4013, 4014} or (trouble and trouble != 4015):
        return Answer(trouble)
    if not call.account.spend(COSTS["detect"]):
        return Answer(call.switches.quota_code)
    found = detect_carriers(number)
    if found or call.switches.detect_none == 200:
        return Answer(200, found)
    return Answer(call.switches.detect_none)


def remote_areas(call: Call) -> Answer:
    """Answer POST /trackings/remote: as many rows as carriers call a place remote (API.md 3.14)."""
    items = batch_items(call)
    if isinstance(items, Answer):
        return items
    queries = [as_object(item) or {} for item in items]
    if any(not text(query.get("country")) or not text(query.get("postcode")) for query in queries):
        return Answer(4012)
    if not call.account.spend(COSTS["remote"] * len(queries)):
        return Answer(call.switches.quota_code)
    rows = [row for query in queries for row in _remote_rows(query)]
    other = [query for query in queries if not _remote_rows(query)] if call.switches.remote_other == "queries" else []
    data = {"submitted": len(queries), "other": other, "remote": rows}
    return Answer(200, data, "The request was successful.")


def _remote_rows(query: dict[str, object]) -> list[dict[str, object]]:
    country, postcode, company = (text(query.get(name)) for name in ("country", "postcode", "company"))
    draw = zlib.crc32(f"{country}:{postcode}".lower().encode())
    named = [name for name in _EXPRESS if not company or name == company.lower()]
    by_name = {name.lower(): two for name, two in TWO_CODES}
    two_code = country.upper() if len(country) == 2 else by_name.get(country.lower(), "")
    name = next((name for name, two in TWO_CODES if two == two_code), country)
    return [
        {"far_express_company": carrier, "two_code": two_code, "far_country": name, "far_city_postcode": postcode}
        for carrier in named
        if draw >> _EXPRESS.index(carrier) & 1 and draw % 3
    ]


def transit_times(call: Call) -> Answer:
    """Answer POST /trackings/costtime (API.md 3.15)."""
    items = batch_items(call)
    if isinstance(items, Answer):
        return items
    queries = [as_object(item) or {} for item in items]
    if any(not text(query.get(name)) for query in queries for name in ("carrier_code", "original", "destination")):
        return Answer(4012)
    rows = [_transit_time(call, query) for query in queries]
    return Answer(200, rows if call.switches.transit_layout == "list" else {"submitted": len(rows), "items": rows})


def _transit_time(call: Call, query: dict[str, object]) -> dict[str, object]:
    carrier, original, destination = (text(query.get(name)) for name in ("carrier_code", "original", "destination"))
    draw = zlib.crc32(f"{carrier}:{original}:{destination}".lower().encode())
    total = draw % 4000 + 10
    row: dict[str, object] = {"carrier_code": carrier, "original": original, "destination": destination}
    row |= {"total": total, "delivered": total * 9 // 10}
    # The documentation has no range2 (API.md 3.15).
    shares = {"range1": 0.4, "range3": 0.3, "range4": 0.2, "range5": 0.08, "range6": 0.02}
    row |= {name: _share(call, share) for name, share in shares.items()}
    return row | {"average": round(5 + draw % 200 / 10, 1)}


def _share(call: Call, share: float) -> object:
    kinds: dict[str, object] = {"fraction": share, "percent": round(share * 100), "string": f"{share * 100:.2f}%"}
    return kinds[call.switches.transit_numbers]


def air(call: Call) -> Answer:
    """Answer POST /trackings/aircargo: an object keyed by the dashed waybill number (API.md 3.16)."""
    item = as_object(call.body)
    if item is None:
        return Answer(4015 if call.body is None else 4012)
    given = item.get("track_number")
    asked = [text(one) for one in as_list(given) or ([given] if given else [])]
    found = [_AWB.fullmatch(one.strip()) for one in asked]
    waybills = [f"{match[1]}-{match[2]}" for match in found if match]
    if len(waybills) < len(asked) or not asked:
        return Answer(4014 if asked else 4013)
    if not call.account.spend(COSTS["air"] * len(waybills)):
        return Answer(call.switches.quota_code)
    return Answer(200, {awb: cargo for awb in waybills if (cargo := _cargo(call, awb))})


def _cargo(call: Call, awb: str) -> dict[str, object]:
    airline = {"name": "Sample Air", "url": "https://air.example", "track_url": "https://air.example/t"}
    # Numbers that end with 0 are the ones without data.
    if awb.endswith("0") and not awb.endswith("00000000"):
        return {"airline_info": airline} if call.switches.air_unknown == "no_data" else {}
    return {"return_data": _flight(call.now - 2 * DAY), "airline_info": airline}


def _flight(departed: int) -> dict[str, object]:
    planned, actual = (naive_time(departed + late, with_seconds=False) for late in (0, 1500))
    arrival, arrived = (naive_time(departed + 29000 + late, with_seconds=bool(late)) for late in (0, 720))
    event = {"plan_date": planned, "actual_date": actual, "event": "Departed", "station": "HKG"}
    event |= {"flight_number": "CV1234", "status": "DEP", "piece": "4", "weight": "125"}
    leg = {"depart_station": "HKG", "arrival_station": "LUX", "plan_depart_time": planned, "depart_time": actual}
    leg |= {"plan_arrival_time": arrival, "arrival_time": arrived}
    data: dict[str, object] = {"weight": "125KG", "piece": 4, "origin": "HKG", "destination": "LUX"}
    data |= {"status_number": "2", "last_event": f"Departed,HKG,{actual}"}
    return data | {"track_info": [event], "flight_info": {"CV1234": leg}}
