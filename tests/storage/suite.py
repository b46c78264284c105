"""The behaviour of every storage: subclass it and give a `storage` fixture."""

import asyncio

import pytest

from ensue.model.errors import InvalidInput, NotFound
from ensue.ports.storage import Storage


async def keys(storage: Storage, prefix: str) -> list[str]:
    return sorted([key async for key in storage.list(prefix)])


class StorageBehaviour:
    async def test_what_was_written_is_read(self, storage: Storage) -> None:
        every_byte = bytes(range(256)) * 5000
        await storage.write("logs/run-1/a.0_1", every_byte)
        await storage.write("empty", b"")
        assert await storage.read("logs/run-1/a.0_1") == every_byte
        assert await storage.read("empty") == b""

    async def test_writing_the_same_again_is_no_error(self, storage: Storage) -> None:
        await storage.write("a", b"same")
        await storage.write("a", b"same")
        assert await storage.read("a") == b"same"

    async def test_what_is_not_there_is_not_found(self, storage: Storage) -> None:
        await storage.write("a/b", b"x")
        for key in ("nothing", "a", "a/c", "a/b/c"):
            with pytest.raises(NotFound):
                await storage.read(key)

    @pytest.mark.parametrize(
        "key", ["", "/", "/a", "a/", "a//b", ".", "..", "a/..", "../a", "a/./b", "a b", "a\\b", "a\n", "ä", "a\0", "~a"]
    )
    async def test_other_keys_are_refused(self, storage: Storage, key: str) -> None:
        with pytest.raises(InvalidInput):
            await storage.write(key, b"x")
        with pytest.raises(InvalidInput):
            await storage.read(key)
        with pytest.raises(InvalidInput):
            await storage.delete(key)

    async def test_names_may_begin_with_a_dot(self, storage: Storage) -> None:
        await storage.write(".config/...x/.coverage", b"x")
        assert await keys(storage, "") == [".config/...x/.coverage"]

    async def test_a_prefix_lists_itself_and_what_is_below_it(self, storage: Storage) -> None:
        for key in ("a/b/1", "a/b/2", "a/bc", "d"):
            await storage.write(key, b"x")
        assert await keys(storage, "a/b") == ["a/b/1", "a/b/2"]
        assert await keys(storage, "a") == ["a/b/1", "a/b/2", "a/bc"]
        assert await keys(storage, "d") == ["d"]
        assert await keys(storage, "nothing") == []
        assert await keys(storage, "") == ["a/b/1", "a/b/2", "a/bc", "d"]

    async def test_many_keys_are_all_listed(self, storage: Storage) -> None:
        written = [f"many/{number:04}" for number in range(1050)]
        for start in range(0, 1050, 50):
            await asyncio.gather(*(storage.write(key, b"x") for key in written[start : start + 50]))
        assert await keys(storage, "many") == written

    async def test_a_prefix_is_deleted_with_what_is_below_it(self, storage: Storage) -> None:
        for key in ("a/b/1", "a/b/2", "a/bc", "d"):
            await storage.write(key, b"x")
        await storage.delete("a/b")
        assert await keys(storage, "") == ["a/bc", "d"]
        await storage.delete("a/b")
        await storage.delete("a/bc")
        await storage.delete("d")
        assert await keys(storage, "") == []
        await storage.write("a/b/1", b"again")
        assert await storage.read("a/b/1") == b"again"

    async def test_writers_and_deleters_do_not_disturb_each_other(self, storage: Storage) -> None:
        async def churn(number: int) -> None:
            for turn in range(20):
                await storage.write(f"shared/{number}/{turn}", b"x")
                await storage.delete(f"shared/{number}")

        await asyncio.gather(*(churn(number) for number in range(8)))
        assert await keys(storage, "") == []
