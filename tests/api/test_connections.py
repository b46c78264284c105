"""What a connection sends at once."""

import asyncio

from ensue.api import connections
from ensue.api.connections import Corked


class Wire(asyncio.Transport):
    """Remembers what it was told to do, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[bytes | str] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.told.append(bytes(data))

    def close(self) -> None:
        self.told.append("close")


async def test_what_one_turn_of_the_loop_writes_is_sent_at_once() -> None:
    wire = Wire()
    corked = Corked(wire, asyncio.get_running_loop())
    corked.write(b"head ")
    corked.write(b"body")
    assert wire.told == []
    await asyncio.sleep(0)
    assert wire.told == [b"head body"]
    corked.write(b"more")
    await asyncio.sleep(0)
    assert wire.told == [b"head body", b"more"]


async def test_closing_sends_what_is_held_first_and_nothing_twice() -> None:
    wire = Wire()
    corked = Corked(wire, asyncio.get_running_loop())
    corked.write(b"the end")
    corked.close()
    await asyncio.sleep(0)
    assert wire.told == [b"the end", "close"]


async def test_much_is_not_held_so_that_a_slow_reader_is_noticed() -> None:
    wire = Wire()
    corked = Corked(wire, asyncio.get_running_loop())
    corked.write(b"x" * connections.HELD_BYTES)
    assert wire.told == []
    corked.write(b"y")
    assert wire.told == [b"x" * connections.HELD_BYTES + b"y"]
