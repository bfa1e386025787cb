"""Which creates of this client may have made which tracking, so that none takes another's for its own."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime

import attrs

__all__ = ["Creation", "Creations"]

SIZE = 1000  # trackings
EACH = 100  # creates of one tracking

Key = tuple[str, str]


@attrs.define(eq=False)
class Creation:
    """One create that was sent, or is about to be.

    Args:
        is_possible: False when it certainly made nothing.
        created_at: When the tracking was created that it made, as far as the server said so; None: it did not.
    """

    is_possible: bool = True
    created_at: datetime | None = None

    def end(self, created_at: object) -> None:
        """Note that it made a tracking, and when, if the server said so."""
        self.created_at = created_at if isinstance(created_at, datetime) else None

    def may_have_made(self, created_at: datetime) -> bool:
        """Tell whether the tracking that was created then may be that of this create."""
        return self.is_possible and self.created_at in {None, created_at}


@attrs.define(eq=False)
class Creations:
    """The latest hundred creates of each tracking, of the thousand trackings that were created last."""

    _by_name: OrderedDict[Key, list[Creation]] = attrs.field(factory=OrderedDict[Key, list[Creation]], init=False)

    def begin(self, carrier_code: str, tracking_number: str) -> Creation:
        """Note that a create is about to be sent."""
        key, mine = _key(carrier_code, tracking_number), Creation()
        possible = [one for one in self._by_name.get(key, ()) if one.is_possible]
        self._by_name[key] = [*possible[1 - EACH :], mine]
        self._by_name.move_to_end(key)
        if len(self._by_name) > SIZE:
            self._by_name.popitem(last=False)
        return mine

    def is_only(self, carrier_code: str, tracking_number: str, mine: Creation | None, created_at: datetime) -> bool:
        """Tell whether no other create of this client may have made the tracking that was created then."""
        known = self._by_name.get(_key(carrier_code, tracking_number), ())
        return not any(one.may_have_made(created_at) for one in known if one is not mine)


def _key(carrier_code: str, tracking_number: str) -> Key:
    return carrier_code.casefold(), tracking_number.casefold()
