"""The truth table of bulk jobs: what came back, and what each operation makes of it.

These rows are played by test_truth_table.py, and shown in docs/bulk.md (`make docs`): the page says what is tested.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.bulk.scenes import (
    AGAIN,
    ITEM,
    ONE,
    Group,
    Scene,
    batch,
    fault,
    its,
    one,
    refused,
    row,
    said,
    uncoded,
    whole,
)
from trackingmore_async import RetryPolicy
from trackingmore_async.sandbox import Fault, Switches

__all__ = ["GROUPS"]

ATTEMPTS = RetryPolicy().attempts
ALL_ATTEMPTS = range(1, ATTEMPTS + 1)
ONCE = RetryPolicy(attempts=1)
SHORT = said(13, uncoded)
ODD = b'{"meta": {"code": 200}, "data": "done"}'
TOLD_NOWHERE = Switches(update_failures="omitted", delete_failures="omitted", stop_failures="omitted")

ENTRIES = Group(
    "The answer mentions the item",
    "What it says counts, unless an earlier answer about the same item was lost.",
    (
        row(
            "its entry has code 200, 201 or 202",
            "s",
            "",
            *(one(batch(body=said(3, lambda _, code=code: code))) for code in (200, 201, 202)),  # type: ignore[misc]
        ),
        row(
            "its entry has no code, and the answer's counter says that all others were done",
            "s",
            "",
            one(switches=Switches(delete_entry="number", stop_entry="number")),
            one(batch(body=said(40, uncoded))),
        ),
        row(
            "its entry has another code, such as 4014, or is listed among the errors",
            "f",
            "nothing was changed",
            one(fault(items=its(4014))),
            one(fault(items=its(4999)), switches=Switches(update_failures="inline")),
            one(batch(items=its(4014), body=said(39, uncoded, one_among="errors"))),
        ),
        row(
            "the tracking exists already (4016), or does not exist (4017)",
            "f",
            "`AlreadyExistsError`, `NotFoundError`",
            one(against=[ONE]),
        ),
        row(
            "quota used up, or not allowed (402, 403, 4018, 4019, 4021), in its entry",
            "f",
            "the others of the request as their entries say",
            *(one(fault(items=its(code)), size=120) for code in (402, 403, 4018, 4019, 4021)),
            stops=True,
        ),
    ),
)

NO_WORD = Group(
    "The answer does not mention the item",
    "The entry is missing; or it has no code, and the counter does not add up; or `data` is no batch at all. Then the "
    "tracking is read back by its number at the end of the job. What was not done is sent once more; so is an update "
    "whose tracking is there, because not all that it sets can be read.",
    (
        row(
            "it was done",
            "s",
            "",
            one(fault(on={1}, having=ITEM, omit=ITEM)),
            whole(batch(on={1}, body=SHORT)),
            whole(batch(on={1}, body=said(None, uncoded))),
            whole(batch(on={1}, body=ODD)),
        ),
        row(
            "it was not done",
            "s",
            "sent once more",
            one(fault(on={1}, having=ITEM, omit=ITEM, items=its(4014))),
            whole(batch(on={1}, body=SHORT, items=refused)),
            whole(batch(on={1}, body=ODD, performed=False)),
        ),
        row(
            "it was not done, and no answer mentions it when it is sent once more",
            "fufu",
            "a create and a deletion are read back again",
            whole(batch(body=SHORT, items=refused)),
            whole(batch(body=ODD, performed=False)),
        ),
        row(
            "the tracking was there before the create; or it is not there",
            "ffsf",
            "older than our first request, by the server's clock",
            one(fault(omit=ITEM), against=[ONE]),
            one(fault(omit=ITEM), against=[ONE], switches=TOLD_NOWHERE),
        ),
        row(
            "reading back fails as well",
            "u",
            "",
            one(fault(omit=ITEM), Fault("list", status=500)),
            one(fault(omit=ITEM), Fault("list", body="html")),
            one(fault(omit=ITEM), Fault("list", reset="before")),
        ),
        row(
            "it is there, but the server sends no `Date`: nobody knows since when",
            "u---",
            "",
            one(fault(omit=ITEM), switches=Switches(date_header=False)),
        ),
    ),
)

REFUSALS = Group(
    "The whole request is refused",
    "Codes that are about an item (4012-4017, 4033) do not sink the others: the request is sent again in halves, down "
    "to single items. All other codes hold for each item of the request.",
    (
        row(
            "for one bad item (4012-4015, 4033)",
            "f",
            "the others are done",
            *(one(fault(having=ITEM, code=code)) for code in (4012, 4013, 4014, 4015, 4033)),
        ),
        row(
            "because all its items exist already (4016), or do not exist (4017)",
            "f",
            "",
            Scene(about=range(3), against=range(3), size=3, switches=Switches(all_failed_batch="error")),
        ),
        row(
            "whatever is in it, 40 single items in a row (4012-4017, 4033)",
            "f",
            "40 are failed",
            *(whole(fault(code=code), size=120) for code in (4012, 4015, 4033)),
            stops=True,
        ),
        row(
            "key wrong, deleted or revoked (401, 4001, 4002)",
            "f",
            "",
            whole(client={"api_key": "another-key"}, size=120),
            whole(client={"api_key": "a-deleted-key"}, sandbox={"deleted_keys": ["a-deleted-key"]}, size=120),
            one(fault(on=AGAIN, code=4001), about=range(40, 80), size=120),
            stops=True,
        ),
        row(
            "quota used up (402, 4019, 4021), or not allowed (403, 4018)",
            "f",
            "",
            *(whole(fault(code=code), size=120) for code in (402, 403, 4018, 4019, 4021)),
            one(fault(on=AGAIN, code=4021), about=range(40, 80), size=120),
            stops=True,
        ),
        row(
            "with any other code",
            "f",
            "",
            whole(batch(code=4020)),
            whole(batch(code=4999)),
        ),
        row(
            "429, once or twice in a row",
            "s",
            "sent again after the pause",
            whole(batch(times=1, code=429, ban=True)),
            whole(batch(times=2, code=429, ban=True)),
            whole(batch(times=1, status=429, body="html", ban=True)),
        ),
        row(
            "429, three times in a row",
            "f",
            "`RateLimitedError`",
            whole(batch(code=429, ban=True), size=120),
            stops=True,
        ),
    ),
)

LOST: tuple[Mapping[str, Any], ...] = (
    {"reset": "after"},
    {"status": 503, "performed": True},
    {"code": 500, "performed": True},
    {"body": "html"},
    {"body": "truncated"},
    {"body": "empty"},
)
"""Ways to lose an answer to what was done."""

UNDONE: tuple[Mapping[str, Any], ...] = (
    {"reset": "before"},
    {"status": 503},
    {"code": 500},
    {"body": "html", "performed": False},
)
"""Ways to lose an answer to what was not done, and will not be."""

LATE: tuple[Mapping[str, Any], ...] = ({"delay_work": 600.0}, {"delay_there": 600.0})
"""Ways to be so late that nobody waits any more."""

LOST_ONCE = Group(
    "An answer is lost, and the request is sent again",
    "A timeout, a reset, a 5xx, HTML or a text cut off: the request may have been carried out. It is sent again, "
    f"{ATTEMPTS} times in all. What the next answer says may be about our own first request.",
    (
        row(
            "the connection was only refused; then an answer comes",
            "s",
            "nothing was in doubt",
            whole(batch(times=ATTEMPTS - 1, refuse_connection=True)),
        ),
        row(
            "it says: done; or 4016 to a create, 4017 to a delete, because the lost request did it",
            "s",
            "the create is read back and dated",
            *(whole(batch(times=1, **how)) for how in (*LOST, *UNDONE, {"delay_back": 60.0}, {"delay_there": 40.0})),
        ),
        row(
            "it says 4016 or 4017, which was already so before",
            "ffsf",
            "the create is read back and dated; a delete is done either way",
            one(fault(times=1, having=ITEM, reset="after"), against=[ONE]),
            one(fault(times=1, having=ITEM, reset="before"), against=[ONE]),
        ),
        row(
            "it refuses the item (4014, ...), though the lost request did it",
            "suss",
            "read back",
            one(fault(on={1}, reset="after"), fault(on=AGAIN, items=its(4014))),
            one(fault(on={1}, having=ITEM, reset="after"), fault(on=AGAIN, having=ITEM, code=4014)),
        ),
        row(
            "it refuses the item, and the lost request did not do it",
            "fufu",
            "read back",
            one(fault(on={1}, having=ITEM, reset="before"), fault(on=AGAIN, items=its(4014))),
            one(fault(on={1}, having=ITEM, reset="before"), fault(on=AGAIN, having=ITEM, code=4014)),
        ),
        row(
            "it refuses the item, and the lost request timed out: the server may still do it",
            "u",
            "",
            one(fault(on={1}, having=ITEM, delay_work=600.0), fault(on=AGAIN, having=ITEM, items=its(4014))),
        ),
        row(
            "it says: quota used up, or not allowed, though the lost request did it",
            "suss",
            "read back",
            whole(batch(on={1}, reset="after"), batch(on=AGAIN, code=4021), size=40),
            whole(batch(on={1}, status=502, performed=True), batch(on=AGAIN, code=403), size=40),
            stops=True,
        ),
        row(
            "it says: quota used up, or not allowed, and the lost request did not do it",
            "fufu",
            "read back",
            whole(batch(on={1}, reset="before"), batch(on=AGAIN, code=4021), size=40),
            stops=True,
        ),
        row(
            "it says: key revoked; or 429, three times in a row",
            "u",
            "cannot be read back either",
            whole(batch(on={1}, reset="after"), batch(on=AGAIN, code=4001), size=40),
            whole(batch(on={1}, reset="before"), batch(on=AGAIN, code=429, ban=True), size=40),
            stops=True,
        ),
    ),
)

LOST_ALWAYS = Group(
    f"All {ATTEMPTS} answers are lost",
    "What may have been carried out is read back by number at the end of the job, and sent once more if it was not "
    "done. An update is sent again without that: the same values do no harm.",
    (
        row(
            "the connection is refused: no request left",
            "f",
            "nothing was sent",
            whole(batch(refuse_connection=True)),
        ),
        row(
            "the connection is refused for three batches in a row",
            "f",
            "",
            Scene(faults=(fault(refuse_connection=True),), client={"retry": ONCE}, about=range(120), size=160),
            stops=True,
        ),
        row(
            "it was done",
            "s",
            "",
            *(whole(batch(on=ALL_ATTEMPTS, **how)) for how in (*LOST, {"delay_back": 60.0})),
        ),
        row(
            "it was not done (a reset, a 5xx, HTML)",
            "s",
            "sent once more",
            *(whole(batch(on=ALL_ATTEMPTS, **how)) for how in UNDONE),
        ),
        row(
            "it is not done yet, and timed out: the server may still do it",
            "s",
            "sent once more",
            *(whole(batch(on=ALL_ATTEMPTS, **how)) for how in LATE),
        ),
        row(
            "it was not done, and all further answers are lost as well",
            "fufu",
            "a create and a deletion are read back again",
            *(whole(batch(**how)) for how in UNDONE),
        ),
        row(
            "it is not done yet, and all further answers are too late as well",
            "u",
            "the server may still do it",
            *(whole(batch(**how)) for how in LATE),
        ),
        row(
            "reading back fails as well",
            "usuu",
            "an update need not be read back",
            whole(batch(on=ALL_ATTEMPTS, reset="after"), Fault("list", status=500)),
            whole(batch(on=ALL_ATTEMPTS, reset="before"), Fault("list", body="html")),
        ),
        row(
            "the deadline is over while an answer is awaited",
            "u",
            "no time is left to read it back",
            whole(batch(delay_back=60.0), options={"deadline": 20.0}, size=40),
            whole(batch(delay_work=60.0), options={"deadline": 20.0}, size=40),
            stops=True,
        ),
    ),
)

UNSENT = Group(
    "Nothing is sent",
    "`attempts` is 0, and nothing was changed.",
    (
        row(
            "it cannot be sent: another class; no number or carrier; blanks, control characters or `/` in them",
            "f",
            "the others are sent",
            *(one(spelled=spelled) for spelled in ("", " ", "ZZ/7", "ZZ\n7")),
        ),
        row(
            "the deadline would be over before its turn",
            "n",
            "",
            Scene(options={"deadline": 0.5}, about=range(40, 80), size=120),
            stops=True,
        ),
        row(
            'another item fails, and the job was told `on_error="stop"` or `"raise"`',
            "n",
            "what is under way has its outcome",
            Scene(faults=(fault(items=its(4014)),), on_error="stop", about=range(40, 80), failing=[ONE]),
            stops=True,
        ),
    ),
    column="why",
)

SAME = {"title": "mug"}
OTHER = {"order_id": "A-7"}
REFUSED_ONCE = fault(on={1}, having=ITEM, items=its(4014))

DUPLICATES = Group(
    "Two inputs of one tracking that wait together",
    "One request serves both, so the same tracking is not sent twice.",
    (
        row("the first", "soss", "the second update sets all of its fields again", one(twin=SAME)),
        row("the second", "osss", "the first create wins", one(about=[80], twin=SAME)),
        row("the first, if the second sets other fields", "-s--", "they are sent as one", one(twin=OTHER)),
        row("the first, if it is refused as invalid (4014, ...)", "f-ff", "", one(REFUSED_ONCE, twin=OTHER)),
        row(
            "the second, if the first is refused as invalid, or both in one",
            "ssff",
            "a create is sent then; of updates each is sent alone",
            one(REFUSED_ONCE, about=[80], twin=OTHER),
        ),
        row(
            "the second, if the first is refused otherwise (4016, 4017)",
            "offf",
            "",
            one(about=[80], twin=SAME, against=[ONE]),
        ),
    ),
    column="which input",
)

GROUPS = (UNSENT, ENTRIES, NO_WORD, REFUSALS, LOST_ONCE, LOST_ALWAYS, DUPLICATES)
