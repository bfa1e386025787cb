"""What gaps say."""

from __future__ import annotations

from typing import Final

__all__ = [
    "AGAIN",
    "CLOCKLESS",
    "DISORDER",
    "EMPTY",
    "NARROW",
    "PASSING",
    "REPEATED",
    "RESTLESS",
    "SHORT",
    "SPLIT",
    "UNBELIEVABLE",
    "UNORDERED",
]

AGAIN: Final = (
    "More trackings had been handed out than a token can tell apart, in a list whose order does not tell either: the "
    "walk began this part anew, and those of it that were handed out before come again."
)
CLOCKLESS: Final = (
    "The server shows no clock, and the trackings do not show in which order it lists them: if it is not the newest "
    "first, some may be missing."
)
DISORDER: Final = (
    "The server does not list the newest trackings first, so this walk is in another order, too. Of those that moved "
    "to another page meanwhile, some may be missing or come twice."
)
EMPTY: Final = "The page was empty, twice, although rows were promised."
NARROW: Final = (
    "The pages are too small to overlap. Trackings that entered the list meanwhile may have pushed others past the "
    "walk; a larger page_size helps."
)
PASSING: Final = (
    "Trackings enter and leave a list with such a filter, and move others past a walk from the newest on without a "
    'trace: some may be missing. A walk with order="oldest" notices that.'
)
REPEATED: Final = (
    "The page held only trackings that had come before: others may be missing. Several such pages end the walk."
)
RESTLESS: Final = (
    "More trackings entered or left the list between two requests than a page can show. Some that were there all the "
    "time may be missing; a larger page_size helps."
)
SHORT: Final = "The page had fewer rows than the server's total promised."
SPLIT: Final = (
    "There are more orders than one request can name, so several lists were walked, one after the other. A tracking "
    "whose order id was changed for one of an earlier list meanwhile is missing."
)
UNBELIEVABLE: Final = (
    "The server's total ends before the last row of a full page, so it is not believed. Pages are read until one is "
    "short or brings nothing new; trackings may be missing, and come in the server's order."
)
UNORDERED: Final = (
    "The server does not seem to list the newest trackings first. All pages are read twice, but trackings that moved "
    "to another page both times may be missing."
)
