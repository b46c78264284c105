"""Sees that a container of this machine has ended by its process, where its engine says so late."""

import asyncio
import os

from ensue.clients.containers.shapes import State


async def until_gone(state: State) -> None:
    """Returns when the process of a container is gone, and at once when it cannot be seen from here: another machine
    runs it, or we are in a container ourselves."""
    try:
        process = os.pidfd_open(state.pid)
    except (AttributeError, OSError, ValueError):
        # Not Linux, gone already, or none.
        return
    try:
        if _is_of(state):
            await _ended(process)
    finally:
        os.close(process)


def _is_of(state: State) -> bool:
    """Whether a process that we know by its number is that of the container, and no other machine's number."""
    try:
        with open(f"/proc/{state.pid}/cgroup", encoding="utf-8", errors="replace") as groups:
            return state.id in groups.read()
    except OSError:
        return False


async def _ended(process: int) -> None:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(process, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(process)
