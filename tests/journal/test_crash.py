"""A process that is killed in the middle of many writes loses none that had returned, and leaves none by halves."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from trackingmore_async import SqliteStore

pytestmark = pytest.mark.anyio

ROWS = 45
WRITER = f"""
import asyncio, itertools, os, sys
from trackingmore_async import SqliteStore

async def main(path, round_):
    async with SqliteStore(path) as store:
        numbers = itertools.count()

        async def work():
            for number in numbers:
                name = f"{{round_}}-{{number:06d}}"
                await store.write({{f"{{row:02d}}/{{name}}": name.encode() for row in range({ROWS})}})
                os.write(1, f"{{name}}\\n".encode())

        await asyncio.gather(*(work() for _ in range(6)))

asyncio.run(main(*sys.argv[1:]))
"""


async def killed(path: Path, round_: int, after: int) -> set[str]:
    """Have a process write until so many writes have returned, and kill it; return which ones had."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WRITER, str(path), str(round_), stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    told = [await child.stdout.readline() for _ in range(after)]
    child.kill()
    rest = await child.stdout.read()
    await child.wait()
    return {line.decode() for line in (b"".join(told) + rest).splitlines()}


async def counts(path: Path) -> Counter[str]:
    """Count the rows of each write that are there."""
    found, after = Counter[str](), ""
    async with SqliteStore(path) as store:
        while page := await store.scan("", after=after):
            after = max(page)
            found.update(value.decode() for value in page.values())
    return found


async def test_a_killed_process_keeps_its_word(path: Path) -> None:
    """Twenty times over on one file: each write that had returned is there, and each is whole or absent."""
    random, promised = Random(20), set[str]()
    for round_ in range(20):
        promised |= await killed(path, round_, random.randrange(1, 250))
        found = await counts(path)
        assert promised - found.keys() == set()
        assert set(found.values()) == {ROWS}


LIMITED = """
import asyncio, resource, signal, sys
from trackingmore_async import JournalError, SqliteStore

async def main():
    async with SqliteStore(sys.argv[1]) as store:
        await store.write({"before": b"1"})
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
        try:
            await store.write({"before": b"2"} | {f"{index}": bytes(4000) for index in range(100)})
        except JournalError as error:
            print(error)
        print(len(await store.scan("")))
        await store.write({"after": b"1"})

asyncio.run(main())
"""


async def test_a_file_that_the_system_lets_not_grow_is_left_whole(path: Path) -> None:
    """The write fails as a whole with an error of the journal, and what was there and what follows is kept."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", LIMITED, str(path), stdout=asyncio.subprocess.PIPE
    )
    said = (await child.communicate())[0].decode().splitlines()
    assert child.returncode == 0
    assert "Nothing of this write was kept" in said[0]
    assert said[1:] == ["1"]
    async with SqliteStore(path) as store:
        assert await store.scan("") == {"before": b"1", "after": b"1"}
