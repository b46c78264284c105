"""Storage in a directory."""

import asyncio
import os
from pathlib import Path

import pytest

from ensue.model.errors import StoreFull
from ensue.storage.directory import DirectoryStorage
from tests.storage.suite import StorageBehaviour, keys


@pytest.fixture
def storage(tmp_path: Path) -> DirectoryStorage:
    return DirectoryStorage(tmp_path / "data" / "storage")


class TestDirectoryStorage(StorageBehaviour):
    async def test_files_are_readable_by_their_user_alone(self, storage: DirectoryStorage) -> None:
        await storage.write("a/b", b"x")
        found = [storage.root, storage.root / "a", storage.root / "a" / "b"]
        assert [path.stat().st_mode & 0o777 for path in found] == [0o700, 0o700, 0o600]

    async def test_deleting_leaves_no_empty_folders(self, storage: DirectoryStorage) -> None:
        await storage.write("a/b/c/d", b"x")
        await storage.write("a/x", b"x")
        await storage.delete("a/b/c")
        assert [path.name for path in (storage.root / "a").iterdir()] == ["x"]

    async def test_an_unfinished_write_is_neither_listed_nor_left_by_delete(self, storage: DirectoryStorage) -> None:
        await storage.write("a/b", b"x")
        (storage.root / "a" / "~half").write_bytes(b"ha")
        assert await keys(storage, "") == ["a/b"]
        await storage.delete("a")
        assert not (storage.root / "a").exists()

    async def test_a_failed_write_leaves_nothing(
        self, storage: DirectoryStorage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(descriptor: int) -> None:
            raise OSError(28, "No space left on device")

        await storage.write("a/b", b"x")
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(StoreFull):
            await storage.write("a/c", b"x")
        assert [path.name for path in (storage.root / "a").iterdir()] == ["b"]

    async def test_the_bytes_are_synced_before_the_name_appears(
        self, storage: DirectoryStorage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await storage.write("a/b", b"x")
        calls: list[str] = []
        fsync, replace = os.fsync, os.replace

        def noted_fsync(descriptor: int) -> None:
            calls.append("sync")
            fsync(descriptor)

        def noted_replace(source: str, target: Path) -> None:
            calls.append("replace")
            replace(source, target)

        monkeypatch.setattr(os, "fsync", noted_fsync)
        monkeypatch.setattr(os, "replace", noted_replace)
        await storage.write("a/c", b"x")
        assert calls == ["sync", "replace", "sync"]

    async def test_the_loop_goes_on_meanwhile(self, storage: DirectoryStorage, monkeypatch: pytest.MonkeyPatch) -> None:
        loop = asyncio.get_running_loop()
        is_alive = asyncio.Event()

        def slow(descriptor: int) -> None:
            asyncio.run_coroutine_threadsafe(asyncio.wait_for(is_alive.wait(), 60), loop).result()

        monkeypatch.setattr(os, "fsync", slow)
        task = asyncio.create_task(storage.write("a", b"x"))
        await asyncio.sleep(0.01)
        assert not task.done()
        is_alive.set()
        await task
        assert await storage.read("a") == b"x"
