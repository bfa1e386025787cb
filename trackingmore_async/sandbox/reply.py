"""The bytes of an answer, true or as a fault script wants them."""

from __future__ import annotations

from email.utils import formatdate

import attrs

from trackingmore_async.sandbox.codes import Answer, envelope, http_status
from trackingmore_async.sandbox.faults import Plan
from trackingmore_async.sandbox.switches import Switches
from trackingmore_async.sandbox.wire import encode

__all__ = ["Reply", "make_reply", "refusal"]

HTML = "<!DOCTYPE html>\n<html><head><title>{0}</title></head><body><h1>{0}</h1><hr>nginx</body></html>\n"


@attrs.frozen
class Reply:
    """An HTTP answer.

    Args:
        status: The HTTP status.
        body: Its bytes.
        content_type: What they are.
        headers: Further headers.

    Example:
        >>> Reply(503, b"")
    """

    status: int
    body: bytes
    content_type: str = "application/json; charset=utf-8"
    headers: dict[str, str] = attrs.field(factory=dict[str, str])


def html_page(status: int) -> Reply:
    """Return the kind of page that a proxy in front of the API sends.

    Args:
        status: The HTTP status.

    Example:
        >>> html_page(502).content_type
        'text/html'
    """
    return Reply(status, HTML.format(status).encode(), "text/html")


def make_reply(answer: Answer, plan: Plan, switches: Switches) -> Reply:
    """Return the bytes of an answer, as the faults that the request meets want them.

    Args:
        answer: The true answer.
        plan: The faults.
        switches: The unknowns.

    Example:
        >>> make_reply(Answer(4031), Plan(), Switches()).status
        200
    """
    code = _code(answer, plan)
    shown = answer if code == answer.code else Answer(code, answer.data if plan.performed else Answer().data)
    status = plan.status or http_status(code, switches)
    return attrs.evolve(_with_body(shown, plan, status, switches), headers=plan.headers)


def _code(answer: Answer, plan: Plan) -> int:
    if plan.code is not None:
        return plan.code
    return plan.status if plan.status is not None and plan.status >= 400 else answer.code


def _with_body(answer: Answer, plan: Plan, status: int, switches: Switches) -> Reply:
    kind = plan.body
    if isinstance(kind, bytes):
        return Reply(status, kind)
    if kind == "html":
        return html_page(status)
    if kind == "empty":
        return Reply(status, b"")
    body = encode(envelope(answer, switches))
    return Reply(status, body[: len(body) * 2 // 3] if kind == "truncated" else body)


def refusal(wait: float, now: int, switches: Switches) -> Reply:
    """Return a 429 (API.md 7, 12.1).

    Args:
        wait: Seconds until the ban is over.
        now: Unix seconds.
        switches: Decide on its status, body and Retry-After header.

    Example:
        >>> refusal(120, now, Switches()).status
        429
    """
    kind = "envelope" if switches.http_status_429 == 200 else switches.rate_limit_body
    plan_free = _with_body(Answer(429), Plan(), http_status(429, switches), switches)
    reply = {"envelope": plan_free, "html": html_page(429), "empty": Reply(429, b"")}[kind]
    return attrs.evolve(reply, headers=_retry_after(wait, now, switches))


def _retry_after(wait: float, now: int, switches: Switches) -> dict[str, str]:
    seconds = int(-(-wait // 1))
    if switches.retry_after == "none":
        return {}
    text = str(seconds) if switches.retry_after == "seconds" else formatdate(now + seconds, usegmt=True)
    return {"retry-after": text}
