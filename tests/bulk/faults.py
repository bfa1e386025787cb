"""Random fault scripts: every way in which a server or a network fails, but none in which a server lies.

What no client can see through is left out, for a server that lies consistently is believed by anybody:

* a counter that is wrong by just as much as there are failed items that the answer does not tell of;
* a refusal of what was carried out, or success told of an item that was not;
* "exists" (4016) of what does not exist, "does not exist" (4017, 4031) of what does; an empty list of what is there.
"""

from __future__ import annotations

from itertools import product
from typing import Any, Final

import attrs
from hypothesis import strategies as st

from tests.bulk.conftest import number
from tests.bulk.items import is_stray
from trackingmore_async.sandbox import Fault

__all__ = ["brief", "faults", "single_faults"]

ITEM_CODES: Final = (4012, 4013, 4014, 4015, 4033, 4021, 4018, 503)
REFUSALS: Final = (4012, 4013, 4014, 4015, 4033)
SERVER_CODES: Final = (500, 502, 503, 504)
DELAYS: Final = (1.0, 6.0, 12.0, 33.0, 100.0, 300.0)
NOTHING_TOLD: Final = b'{"meta":{"code":200,"type":"Success","message":"Success"},"data":[]}'
CHANCES: Final = (1.0, 1.0, 0.5)
TIMES: Final = (1, 2, 5, None)
REQUESTS: Final[tuple[tuple[int, ...], ...]] = ((), (), (1,), (2,), (1, 2), (2, 3), (1, 3, 4))
NO: Final = st.just(value=False)


def faults(method: str) -> st.SearchStrategy[Fault]:
    """Draw one rule of a fault script for batches.

    Args:
        method: The job that sends them.
    """
    return st.one_of(
        _lost_answers(method), _lost_answers(method), _server_errors(method), _of_items(method), _of_items(method),
        _whole_refusals(method), _interruptions(method),
    )  # fmt: skip


def single_faults(bucket: str) -> st.SearchStrategy[Fault]:
    """Draw one rule for requests about one tracking, or for the list.

    Args:
        bucket: Where they go.
    """
    refusals = _rule(bucket, own=True, having=_numbers(), code=st.sampled_from(REFUSALS), performed=NO)
    return st.one_of(
        _lost_answers(bucket), _lost_answers(bucket), _server_errors(bucket), refusals, _interruptions(bucket)
    )


def brief(rule: Fault) -> str:
    """Return a rule as one would write it: without what is left at its default."""
    given = attrs.asdict(rule, recurse=False, filter=lambda field, value: value not in (field.default, {}))
    return f"Fault({', '.join(f'{name}={value!r}' for name, value in given.items())})"


def _lost_answers(method: str) -> st.SearchStrategy[Fault]:
    """The connection breaks, the answer is too late, or cannot be read."""
    return st.one_of(
        _rule(method, reset=st.sampled_from(("before", "after"))),
        _rule(method, delay_work=st.sampled_from(DELAYS)),
        _rule(method, delay_back=st.sampled_from(DELAYS)),
        _rule(method, delay_there=st.sampled_from(DELAYS)),
        _rule(method, body=st.sampled_from(("html", "truncated", "empty"))),
    )


def _of_items(method: str) -> st.SearchStrategy[Fault]:
    """Items are refused, left out of the answer, or miscounted; or the answer tells of none."""
    return st.one_of(
        _rule(method, own=True, items=st.builds(dict.fromkeys, _numbers(), st.sampled_from(ITEM_CODES))),
        _rule(method, own=True, omit=_numbers()),
        _rule(method, own=True, counter=st.sampled_from((-1, -3, 1000))),
        _rule(method, own=True, body=st.just(NOTHING_TOLD)),
    )


def _interruptions(method: str) -> st.SearchStrategy[Fault]:
    """What keeps a job waiting, or ends it."""
    return st.one_of(_rule(method, refuse_connection=st.just(value=True)), _rate_limits(method), _endings(method))


def _rule(method: str, *, own: bool = False, **effects: st.SearchStrategy[Any]) -> st.SearchStrategy[Fault]:
    """Draw a rule with these effects on some requests.

    Args:
        method: The job.
        own: Only requests of the job itself, not those that read back.
        effects: Arguments of the fault.
    """
    buckets: tuple[str | None, ...] = (method,) if own else (method, method, method, "list", None)
    choices = [*product(buckets, CHANCES, TIMES, REQUESTS)]
    when = st.integers(0, len(choices) - 1).map(lambda choice: choices[choice])  # one draw: so stories become short
    return st.builds(fault, when, **effects)


def fault(when: tuple[str | None, float, int | None, tuple[int, ...]], **effects: Any) -> Fault:
    """Return a rule: which bucket, how likely, how often and on which requests; and what happens."""
    bucket, probability, times, on = when
    return Fault(bucket, on=on, times=times, probability=probability, **effects)


def _numbers() -> st.SearchStrategy[frozenset[str]]:
    """Draw the numbers of a run of items: one, a few, or more than a batch."""
    return st.sampled_from([*product((0, 1, 2, 0, 1, 39, 40, 90), (1, 3, 60))]).map(_run_of_numbers)


def _run_of_numbers(run: tuple[int, int]) -> frozenset[str]:
    first, length = run
    return frozenset(map(number, range(first, first + length)))


def _server_errors(method: str) -> st.SearchStrategy[Fault]:
    """The server fails, before the change or after it; it says so in HTTP, or in the envelope alone."""
    performed, body = st.booleans(), st.sampled_from(("envelope", "html", "empty"))
    return st.one_of(
        *(
            _rule(method, code=st.just(code), status=st.just(code), performed=performed, body=body)
            for code in SERVER_CODES[:3]
        ),
        _rule(method, code=st.sampled_from(SERVER_CODES), status=st.just(200), performed=performed),
    )


def _whole_refusals(method: str) -> st.SearchStrategy[Fault]:
    """A batch is refused whole for one or several of its items: bad ones, or one that exists already, or does not."""
    codes = st.sampled_from(REFUSALS)
    code = st.just(4016 if method == "create_many" else 4017)
    return st.one_of(
        _rule(method, own=True, having=_numbers(), code=codes, performed=NO),
        _rule(method, own=True, having=_numbers(), code=codes, performed=NO),
        _rule(method, own=True, having=st.just(is_stray), code=code, performed=NO),
    )


def _rate_limits(method: str) -> st.SearchStrategy[Fault]:
    """429, as HTTP status or under 200, with a ban or without, with or without word on how long."""
    return _rule(
        method,
        code=st.just(429),
        status=st.sampled_from((429, 429, 200)),
        performed=NO,
        ban=st.booleans(),
        headers=st.sampled_from(({}, {"retry-after": "5"}, {"retry-after": "300"}, {"retry-after": "2000"})),
    )


def _endings(method: str) -> st.SearchStrategy[Fault]:
    """Nothing goes any more: key revoked, not permitted, no quota, too many items, no such path."""
    codes = st.sampled_from((401, 4001, 4002, 403, 4018, 402, 4019, 4021, 4020, 404, 405))
    return _rule(method, code=codes, performed=NO)
