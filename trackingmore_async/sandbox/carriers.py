"""The carriers that the sandbox knows (API.md 3.17, 3.18)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["CARRIERS", "carrier_list", "detect_carriers"]

CARRIERS: Mapping[str, tuple[str, str, str | None]] = MappingProxyType(
    {
        "china-post": ("China Post", "globalpost", "中国邮政"),
        "china-ems": ("China EMS", "globalpost", "中国EMS"),
        "zto": ("ZTO Express", "express", "中通快递"),
        "sf-express": ("S.F. Express", "express", "顺丰速运"),
        "yunexpress": ("YunExpress", "express", "云途物流"),
        "4px": ("4PX", "express", "递四方"),
        "dhl": ("DHL Express", "express", "DHL"),
        "ups": ("UPS", "express", "UPS"),
        "fedex": ("FedEx", "express", "联邦快递"),
        "tnt": ("TNT", "express", None),
        "usps": ("USPS", "globalpost", "美国邮政"),
        "royal-mail": ("Royal Mail", "globalpost", "英国皇家邮政"),
        "deutsch-post": ("Deutsche Post", "globalpost", "德国邮政"),
        "postnl-3s": ("PostNL International 3S", "globalpost", "荷兰邮政"),
        "posten-norge": ("Posten Norge", "globalpost", "挪威邮政"),
        "canada-post": ("Canada Post", "globalpost", "加拿大邮政"),
        "japan-post": ("Japan Post", "globalpost", "日本邮政"),
        "correios": ("Correios (Brazil)", "globalpost", None),
        "mondialrelay": ("Mondial Relay", "express", "Mondial Relay"),
        "la-poste": ("La Poste – Colissimo", "globalpost", "法国邮政"),
    }
)
"""Name, type and Chinese name by carrier code."""

_PATTERNS = (
    (re.compile(r"L[A-Z]\d{7,9}CN"), ("china-ems", "china-post")),
    (re.compile(r"[A-Z]{2}\d{9}CN"), ("china-post", "china-ems")),
    (re.compile(r"[A-Z]{2}\d{9}NO"), ("posten-norge",)),
    (re.compile(r"1Z[0-9A-Z]{16}"), ("ups",)),
    (re.compile(r"\d{12}"), ("fedex", "zto", "sf-express")),
    (re.compile(r"\d{10}"), ("dhl",)),
)


def carrier_list(lang: str) -> list[dict[str, object]]:
    """Return all carriers as GET /carriers lists them (API.md 3.17).

    Args:
        lang: ``cn`` prints the Chinese name as ``name``; anything else the English one.

    Example:
        >>> carrier_list("en")[0]["code"]
        'china-post'
    """
    return [_carrier(code, lang) for code in CARRIERS]


def _carrier(code: str, lang: str) -> dict[str, object]:
    name, kind, chinese = CARRIERS[code]
    return {
        "name": chinese if lang == "cn" and chinese else name,
        "code": code,
        "phone": "" if kind == "globalpost" else "+1 555 0100",
        "homepage": f"https://{code}.example/",
        "type": kind,
        "picture": f"//cdn.example/carriers/{code}.png",
        "name_cn": chinese,
    }


def detect_carriers(tracking_number: str) -> list[dict[str, object]]:
    """Return the carriers that a number may belong to, best guess first (API.md 3.18).

    Args:
        tracking_number: The number.

    Example:
        >>> detect_carriers("LX900000017CN")[0]
        {'name': 'China EMS', 'code': 'china-ems'}
    """
    number = tracking_number.upper()
    found = next((codes for pattern, codes in _PATTERNS if pattern.fullmatch(number)), ())
    return [{"name": CARRIERS[code][0], "code": code} for code in found]
