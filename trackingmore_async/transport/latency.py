"""How long answers usually take, so that nothing is sent whose answer would come after its deadline (DESIGN.md rule 9).

Refusing a call that would have made it is as bad as sending one that cannot. So the time that counts is one that three
of four answers needed, and nothing is refused for long by what is out of date: refused calls send nothing, and measure
nothing either.
"""

from __future__ import annotations

from collections import deque

import attrs

from trackingmore_async.errors import DeadlineExceededError
from trackingmore_async.transport.budget import clock

__all__ = ["Latency", "count_in"]

RECENT = 15.0
"""Seconds for which an answer counts: so long at most may slow answers refuse calls after they are quick again, if
nobody more patient measures that. With fewer, too few answers are known beside a walk."""
MOST = 12  # answers that count where requests are quicker than that
FEWEST = 2  # one alone may be the slow one, on a new connection
QUICKER = 4  # every fourth answer is quicker: what a few slow ones, or larger ones, take does not count

Answers = deque[tuple[float, float]]
"""When each answer came (loop clock), and how many seconds it had taken."""


@attrs.define(eq=False)
class Latency:
    """Learns from answers, apart for each operation and for those who ask for about as much (`Budget.peers`)."""

    _answers: dict[tuple[str, str], Answers] = attrs.field(factory=dict[tuple[str, str], Answers], init=False)

    def learn(self, bucket: str, peers: str, seconds: float) -> None:
        """Learn from an answer that is complete now.

        Args:
            bucket: The bucket of its operation.
            peers: Who asked for it.
            seconds: How long it took since the request had left.
        """
        self._answers.setdefault((bucket, peers), Answers(maxlen=MOST)).append((clock(), seconds))

    def usual(self, bucket: str, peers: str) -> float:
        """Return the seconds that an answer will probably take at least; 0.0 while nothing is known of late."""
        since = clock() - RECENT
        recent = sorted(seconds for when, seconds in self._answers.get((bucket, peers), ()) if when > since)
        return recent[len(recent) // QUICKER] if len(recent) >= FEWEST else 0.0


def count_in(error: DeadlineExceededError, network: float) -> DeadlineExceededError:
    """Say in a refusal that the time of the answer was counted, too, and return it."""
    if network:
        error.args = (f"{error.message} The answer is expected to take {network:.2f} s after that.",)
    return error
