"""`TrackingPages`: what ``tm.trackings.list(...)`` returns."""

from __future__ import annotations

from collections.abc import Generator
from itertools import islice
from time import perf_counter
from types import TracebackType
from typing import Any, Final, get_args

import anyio
from anyio.lowlevel import checkpoint

from trackingmore_async.calls import Caller
from trackingmore_async.codec import dumps, loads
from trackingmore_async.errors import ClientStateError, ConfigurationError, TrackingMoreError
from trackingmore_async.models import Tracking, TrackingFilter
from trackingmore_async.models.fields import FilterFields
from trackingmore_async.operations import LIST, MAX_PAGE_SIZE
from trackingmore_async.timing import Timing

from .first import FirstPage
from .forward import Forward
from .notes import Gap, Notes
from .oldest import Oldest
from .parts import check_count, check_page_size, given_filters, make_parts, moves
from .readers import Ahead, InTurn, Reader
from .repeats import note_oddities
from .seen import Seen
from .sheet import Ask, Sheet, decode_row, read_sheet
from .survey import SLICE
from .token import Order, Token, read_token
from .walk import Route, Walk

__all__ = ["Order", "TrackingPages"]

FIRST_PAGE_SIZE: Final = 100  # what the server takes for itself, too (API.md 3.6)


class TrackingPages:
    """A list of trackings that is not read yet: GET /trackings/get. Made by ``tm.trackings.list``.

    Use it in one of three ways, as often as you like; each begins anew.

    * ``await pages``: the first page, newest trackings first, as a `FirstPage`.
    * ``async for tracking in pages``: every tracking, page after page.
    * ``async with pages as walk: async for tracking in walk``: the same, while the next page is already on its way.

    A walk with ``order="oldest"`` hands out every tracking that was there all the time exactly once, whatever is
    created or deleted meanwhile. It reads page 1 to learn how many there are, and then goes from the last page to the
    first, under a ``created_at_max`` taken from page 1's ``Date`` (of a second that is over; the few newer ones stand
    on page 1). It remembers digests of the ids of two pages and of one second. Where a filter depends on something
    that changes (status, archived, time of update, orders), pages overlap by some rows, so that a tracking that enters
    the list pushes out no other one; requests become a few more. A tracking that itself enters or leaves such a list
    meanwhile may be handed out or not. What could not be guaranteed stands in `gaps`.

    Where the server lists in another order than the newest first, or does not say when trackings were created, a walk
    says so in `gaps`, reads everything twice, and remembers about 80 bytes for each tracking.

    A walk can stop, and go on in another process: see `token`.

    Args:
        caller: Where the requests go. Walks wait in the bulk lane, and have one deadline as a whole.
        filters: Which trackings, see `TrackingFilter`. Of ``numbers`` and ``orders`` one may be longer than the 40 that
            a request takes: the list then consists of parts, walked one after the other.
        page_size: Trackings a page, 1 to 2000; None: 100 for the first page alone, 2000 for a walk.
        max_items: The most trackings to hand out; None: all.
        order: "oldest" or "newest" first.
        resume: The `token` of an earlier walk, to go on there; it brings its filters, page_size and order.

    Raises:
        ConfigurationError: an argument cannot work, or the token is none. Nothing was sent.
        InvalidRequestError: a filter can certainly not be sent.

    Example:
        >>> async def count(tm: TrackingMore) -> int:
        ...     async with tm.trackings.list(status="transit") as walk:
        ...         return sum([1 async for _ in walk])
    """

    def __init__(
        self,
        caller: Caller,
        filters: FilterFields,
        *,
        page_size: int | None = None,
        max_items: int | None = None,
        order: Order = "oldest",
        resume: str | None = None,
    ) -> None:
        if order not in get_args(Order):
            raise ConfigurationError(f'order has to be "oldest" or "newest", not {order!r}.')
        self._caller = caller
        self._max_items = check_count(max_items)
        self._resumed = resume
        if resume is None:
            self._parts = make_parts(filters)
            self._start = Token(
                order=order,
                page_size=check_page_size(page_size),
                filters=dumps(TrackingFilter(**filters)),
            )
        else:
            _refuse_what_the_token_says(filters, page_size, order)
            self._start = read_token(resume)
            self._parts = _parts_of(self._start)
        self._notes = Notes(len(self._parts))
        self._ahead: Ahead | None = None
        self._latest: Walk | None = None

    @property
    def page_size(self) -> int:
        """Trackings a page of a walk."""
        return self._start.page_size or MAX_PAGE_SIZE

    @property
    def total(self) -> int | None:
        """How many trackings match, as the first page said; None before it was read.

        Where ``numbers`` or ``orders`` were split, it is known after the first page of every part.
        """
        return self._notes.total

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """What the last walk could not guarantee so far; the first 1000. Empty when it can vouch for everything."""
        return tuple(self._notes.gaps)

    @property
    def token(self) -> str | None:
        """Where the latest walk stands, as a text that ``tm.trackings.list(resume=token)`` goes on from.

        None before a walk began. It costs no request, works in another process, and however much later. Taken inside
        the loop it counts the tracking in hand as handled, so take it when that is true: going on hands out none of
        those before it, nor itself, and all that were to come after it. Of what was created since the walk began, some
        may come and some not. At the end of the loop, going on hands out nothing.

        It holds the filters as they were passed, and digests of ids: nothing else of any tracking. Mostly it is a text
        of some hundred characters, made in well under a millisecond. It grows by 11 for each tracking that was created
        in the second where the walk stands; where the order of the list cannot be trusted, and where ``numbers`` or
        ``orders`` were split, for each that was handed out: then take it once a page. Beyond 50,000 of these, going on
        hands out those of the present part again, and says so in `gaps`.
        """
        return self._resumed if self._latest is None else self._latest.token

    def __await__(self) -> Generator[Any, None, FirstPage]:
        if self._resumed is not None:
            raise ConfigurationError("A list with resume= can only be walked. Leave it out to get the first page.")
        return self._first_page().__await__()

    async def _first_page(self) -> FirstPage:
        """Read the first page of each part, until there is enough."""
        self._notes = Notes(len(self._parts))
        size = min(filter(None, (self._start.page_size or FIRST_PAGE_SIZE, self._max_items)))
        budget = self._caller.budget(LIST)
        found: list[Tracking] = []
        timing = Timing()
        for number, part in enumerate(self._parts):
            if len(found) >= size:
                break
            try:
                sheet = await read_sheet(self._caller, budget, Ask(part, 1, size))
                note_oddities(self._notes, sheet)
                self._notes.count(number, sheet.total or 0)
                decode = await _decode(sheet, found)
            except TrackingMoreError as error:  # it took the earlier parts as well
                if timing.attempts:
                    error.timing = timing + (error.timing or Timing())
                    error.attempts = error.timing.attempts
                raise
            timing += sheet.origin.timing + Timing(decode=decode)
        return FirstPage(tuple(found[:size]), self.total, timing)

    def __aiter__(self) -> Walk:
        return self._walk(InTurn(self._caller))

    async def __aenter__(self) -> Walk:
        if self._ahead is not None:
            raise ClientStateError(
                "Another `async with` is walking this list already. Call trackings.list(...) once more for this one."
            )
        self._ahead = Ahead(InTurn(self._caller), anyio.create_task_group())
        await self._ahead.group.__aenter__()
        return self._walk(self._ahead)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End what is still being read ahead; what was raised inside leaves as it is, in no exception group."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            ahead.close()
            await ahead.group.__aexit__(None, None, None)

    def _walk(self, reader: Reader) -> Walk:
        self._notes = Notes(len(self._parts))
        # Parts may share trackings: an order id that is edited meanwhile, numbers that differ by case alone.
        shared = set[bytes]() if len(self._parts) > 1 else None
        routes = [self._route(number, shared) for number in range(len(self._parts))]
        self._latest = Walk(routes, reader, self._notes, self._max_items, self._start)
        return self._latest

    def _route(self, number: int, shared: set[bytes] | None) -> Route:
        part, newest = self._parts[number], self._start.order == "newest"
        if newest:
            return Forward(part, self.page_size, Seen(newest, shared), self._notes, number)
        return Oldest(part, self.page_size, Seen(newest, shared, not moves(part)), self._notes, number)

    def __repr__(self) -> str:
        total = "not read yet" if self.total is None else f"{self.total} in all"
        return f"<TrackingPages: {self._start.order} first, {total}>"


def _refuse_what_the_token_says(filters: FilterFields, page_size: int | None, order: Order) -> None:
    given = [*filters, *(["page_size"] if page_size is not None else []), *(["order"] if order != "oldest" else [])]
    if given:
        raise ConfigurationError(
            f"resume cannot be combined with {', '.join(given)}: the token brings its own. Leave these out; only "
            "max_items may be given."
        )


def _parts_of(token: Token) -> tuple[TrackingFilter, ...]:
    """Return the lists that a token is about."""
    parts = make_parts(given_filters(loads(TrackingFilter, token.filters)))
    if not 0 <= token.part <= len(parts):
        raise ConfigurationError("The token given as resume is damaged. Begin a new walk.")
    return parts


async def _decode(sheet: Sheet, found: list[Tracking]) -> float:
    """Decode a page in slices, so as not to hold up the event loop (DESIGN.md rule 13); return the seconds it took."""
    seconds, rows = 0.0, sheet.forwards()
    while some := list(islice(rows, SLICE)):
        await checkpoint()
        begun = perf_counter()
        found.extend(map(decode_row, some))
        seconds += perf_counter() - begun
    return seconds
