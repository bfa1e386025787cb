"""What all tests share: the event loops, real and virtual, and the guards against blocking and leaking."""

from __future__ import annotations

import asyncio
import functools
from typing import Any

import looptime
import pytest

VirtualLoop = looptime.make_event_loop_class(asyncio.SelectorEventLoop)
"""An event loop whose clock jumps to the next timer instead of sleeping, in whole microseconds."""

virtual_loop = functools.partial(VirtualLoop, noop_cycles=2)
REAL = ("asyncio", {})
VIRTUAL = ("asyncio", {"loop_factory": virtual_loop})


@pytest.fixture(params=[pytest.param(REAL, id="real-clock")])
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    """Tests marked ``anyio`` run on asyncio with the real clock; a module may override this with VIRTUAL."""
    return request.param
