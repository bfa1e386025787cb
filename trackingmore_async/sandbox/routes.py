"""Which operation a method and a path stand for (API.md 1.1, 3)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import unquote

import attrs

__all__ = ["FIXED", "Route", "find_route"]

FIXED: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "trackings/post": {"POST": "create"},
        "trackings/batch": {"POST": "create_many"},
        "trackings/updatemore": {"POST": "update_many"},
        "trackings/delete": {"POST": "delete_many"},
        "trackings/notupdate": {"POST": "stop_updating_many"},
        "trackings/get": {"GET": "list", "POST": "list"},
        "trackings/realtime": {"POST": "realtime"},
        "trackings/update": {"POST": "change_carrier"},
        "trackings/getuserinfo": {"GET": "account_info"},
        "trackings/getstatusnumber": {"GET": "status_counts"},
        "trackings/remote": {"POST": "remote_areas"},
        "trackings/costtime": {"POST": "transit_times"},
        "trackings/aircargo": {"POST": "air"},
        "carriers": {"GET": "carriers"},
        "carriers/detect": {"POST": "detect"},
    }
)
_SINGLE = MappingProxyType({"GET": "get", "PUT": "update", "DELETE": "delete"})
_CARRIERS = MappingProxyType({"GET": "carriers"})


@attrs.frozen
class Route:
    """Where a request goes.

    Args:
        bucket: The operation, or None where there is none.
        error: 404 or 405 where there is none, else 0.
        names: Carrier code and tracking number, where the path has them.
        lang: The language, where the path has one.

    Example:
        >>> find_route("GET", "/v2/carriers").bucket
        'carriers'
    """

    bucket: str | None
    error: int = 0
    names: tuple[str, str] = ("", "")
    lang: str = ""


def find_route(method: str, raw_path: str) -> Route:
    """Return where a request goes.

    Args:
        method: The HTTP method.
        raw_path: The path as it was sent, still percent-encoded, without the query.

    Example:
        >>> find_route("DELETE", "/v2/trackings/china-ems/LX900000017CN").names
        ('china-ems', 'LX900000017CN')
    """
    parts = [unquote(part) for part in raw_path.strip("/").split("/")]
    if parts[0] != "v2":
        return Route(None, 404)
    methods, route = _look_up(parts[1:])
    if methods is None:
        return Route(None, 404)
    bucket = methods.get(method)
    return Route(None, 405) if bucket is None else attrs.evolve(route, bucket=bucket)


def _look_up(parts: list[str]) -> tuple[Mapping[str, str] | None, Route]:
    fixed = FIXED.get("/".join(parts))
    if fixed is not None:
        return fixed, Route(None)
    if len(parts) in {3, 4} and parts[0] == "trackings":
        return _SINGLE, Route(None, names=(parts[1], parts[2]), lang=parts[3] if len(parts) == 4 else "")
    if len(parts) == 2 and parts[0] == "carriers" and len(parts[1]) == 2:
        return _CARRIERS, Route(None, lang=parts[1])
    return None, Route(None)
