"""What the server sends, as API.md shows it, with invented values."""

from __future__ import annotations

import json
from typing import Any

import msgspec

CHECKPOINTS: list[dict[str, Any]] = [
    {
        "Date": "2024-03-08 07:40:00",
        "StatusDescription": "Arrived at sorting hub",
        "Details": "Sample City",
        "checkpoint_status": "transit",
        "substatus": "transit002",
    },
    {
        "Date": "2024-03-04 10:02",
        "StatusDescription": "Posted",
        "Details": "",
        "checkpoint_status": "transit",
        "ItemNode": "ItemReceived",
        "ActType": "P",
    },
]
ORIGIN: dict[str, Any] = {
    "ReferenceNumber": None,
    "ItemReceived": "2024-03-04 10:02:11",
    "ItemDispatched": None,
    "DepartfromAirport": "2024-03-05 23:10",
    "ArrivalfromAbroad": None,
    "CustomsClearance": None,
    "DestinationArrived": None,
    "weblink": "http://carrier.example/",
    "phone": None,
    "carrier_code": "china-ems",
    "trackinfo": CHECKPOINTS,
}
EMPTY_LEG: dict[str, Any] = dict.fromkeys(ORIGIN)
TRACKING: dict[str, Any] = {
    "id": "5d0c7a1be3f24c6f9a8b7c6d5e4f3a21",
    "tracking_number": "LX900000017CN",
    "carrier_code": "china-ems",
    "status": "transit",
    "track_update": True,
    "created_at": "2024-03-04T09:15:22+08:00",
    "updated_at": "2024-03-09T18:02:41+08:00",
    "order_create_time": "2024-03-03 11:20",
    "customer_email": "kim@shop.example",
    "customer_phone": None,
    "title": "mug",
    "order_id": "A-77",
    "comment": None,
    "customer_name": "Kim",
    "archived": False,
    "original_country": "China",
    "destination_country": "Canada",
    "itemTimeLength": 6,
    "stayTimeLength": 2,
    "service_code": None,
    "status_info": None,
    "packageStatus": None,
    "substatus": None,
    "weight": None,
    "singed_by": "Lee",
    "destination_track_number": None,
    "last_mile_tracking_supported": None,
    "origin_info": ORIGIN,
    "destination_info": EMPTY_LEG,
    "lastEvent": "Arrived at sorting hub,Sample City,2024-03-08 07:40:00",
    "lastUpdateTime": "2024-03-08 07:40:00",
}
BARE: dict[str, Any] = {"tracking_number": "LX900000017CN", "carrier_code": "china-ems"}
PENDING: dict[str, Any] = {
    **BARE,
    "status": "pending",
    "updated_at": None,
    "itemTimeLength": None,
    "lastEvent": "",
    "lastUpdateTime": None,
    "origin_info": {"trackinfo": None},
}
WEBHOOK: dict[str, Any] = {
    **BARE,
    "id": "5d0c7a1be3f24c6f9a8b7c6d5e4f3a21",
    "status": "delivered",
    "created_at": "2024-03-04T09:15:22+08:00",
    "updated_at": "2024-03-15T10:07:58+08:00",
    "customer_email": "",
    "origin_info": {**EMPTY_LEG, "carrier_code": "china-ems", "trackinfo": []},
    "service_code": "",
    "lastUpdateTime": "2024-03-15 08:42",
    "lastEvent": "Delivered,Sampleville,2024-03-15 08:42",
}
CREATED: dict[str, Any] = {
    "id": "0f1e2d3c4b5a69788796a5b4c3d2e1f0",
    "tracking_number": "ZZ100200300CN",
    "carrier_code": "china-post",
    "order_create_time": 0,
    "status": "pending",
    "created_at": "2024-03-04T09:15:22+08:00",
    "customer_email": None,
    "customer_name": None,
    "customer_phone": None,
    "order_id": None,
    "comment": None,
    "title": None,
    "logistics_channel": None,
    "destination": "",
}
UPDATED: dict[str, Any] = {
    "id": "0f1e2d3c4b5a69788796a5b4c3d2e1f0",
    "tracking_number": "500600700800",
    "carrier_code": "zto",
    "created_at": "2024-03-04T09:15:22+08:00",
    "updated_at": "2024-03-04T09:10:02+08:00",
    "customer_email": "ops@shop.example",
    "customer_name": "Kim",
    "order_id": "A-77",
    "title": "mug",
    "destination_code": "CN",
    "customer_phone": "+8613000000000",
    "archived": "true",
    "status": "7",
    "logistics_channel": "channel x",
}
EDITED: dict[str, Any] = {
    "id": "1",
    "tracking_number": "ZZ1",
    "carrier_code": "china-ems",
    "created_at": "2024-03-04T09:15:22+08:00",
    "updated_at": "1970-01-01T08:00:00+08:00",
    "archived": "true",
}
REFUSED: dict[str, Any] = {
    "tracking_number": "ZZ9",
    "carrier_code": "china-post",
    "code": 4016,
    "message": "Tracking already exists.",
}
CREATED_MANY: dict[str, Any] = {"submitted": 2, "added": 1, "trackings": [CREATED], "errors": [REFUSED]}
UPDATED_MANY: dict[str, Any] = {"submitted": 1, "updated": 1, "trackings": [EDITED]}
DELETED_MANY: dict[str, Any] = {
    "submitted": 2,
    "delete": 1,
    "trackings": [
        {"meta": {"tracking_number": "ZZ1", "carrier_code": "zto", "code": 200, "message": "Success"}},
        {"meta": {"tracking_number": "ZZ2", "code": "4017"}},
    ],
}
STOPPED_MANY: dict[str, Any] = {"submitted": 1, "change": 1, "trackings": [{"tracking_number": "ZZ1"}]}
ACCOUNT: dict[str, Any] = {
    "email": "owner@shop.example",
    "regtime": "1500000000",
    "phone": "+4930000000",
    "money": 120,
    "track_number": 4800,
}
COUNTS: dict[str, Any] = {"pending": 1, "notfound": "2", "transit": 3.0, "pickup": "", "delivered": None, "expired": 6}
REMOTE: dict[str, Any] = {
    "submitted": 2,
    "other": [],
    "remote": [
        {
            "far_express_company": company,
            "two_code": "JP",
            "far_country": "Japan",
            "far_city_postcode": "9990001",
        }
        for company in ("ups", "tnt")
    ],
}
TRANSIT: dict[str, Any] = {
    "carrier_code": "dhl",
    "original": "CN",
    "destination": "US",
    "total": "56",
    "delivered": 50,
    "range1": "0.25",
    "range3": 0.5,
    "range6": 0.01,
}
WAYBILL: dict[str, Any] = {
    "return_data": {
        "weight": "125KG",
        "piece": 4,
        "origin": "HKG",
        "destination": "LUX",
        "status_number": 3,
        "last_event": "Departed",
        "track_info": [
            {
                "plan_date": "2024-03-01 10:00",
                "actual_date": "2024-03-01 10:25",
                "event": "Departed",
                "station": "HKG",
                "flight_number": "CV1234",
                "status": "DEP",
                "piece": "4",
                "weight": "125",
            }
        ],
        "flight_info": {
            "CV1234": {
                "depart_station": "HKG",
                "arrival_station": "LUX",
                "plan_depart_time": "",
                "depart_time": "2024-03-01 10:25",
                "plan_arrival_time": None,
                "arrival_time": "2024-03-01 18:02:00",
            }
        },
    },
    "airline_info": {"name": "Sample Air", "url": "https://air.example", "track_url": "https://air.example/t"},
}
CARRIER: dict[str, Any] = {
    "name": "China EMS",
    "code": "china-ems",
    "phone": "",
    "homepage": "",
    "type": "globalpost",
    "picture": "//cdn.example/x.png",
    "name_cn": None,
}


def raw(value: Any) -> msgspec.Raw:
    """Return a value as undecoded JSON, written as PHP does: slashes and all but ASCII escaped (API.md 1.2)."""
    return msgspec.Raw(json.dumps(value).replace("/", "\\/").encode())


def envelope(data: Any, code: Any = 200) -> bytes:
    """Return a whole body."""
    return json.dumps({"meta": {"code": code, "type": "Success", "message": "Success"}, "data": data}).encode()
