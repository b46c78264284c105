"""Removes what steps leave in their directories."""

import asyncio
import os
import shutil
import stat
from collections.abc import Callable
from typing import Any


async def remove(directory: str) -> None:
    """With all that is in it; one that is not there is no error. Raises OSError for what another user left."""
    await asyncio.to_thread(remove_tree, directory)


def remove_tree(directory: str) -> None:
    if os.path.lexists(directory):
        shutil.rmtree(directory, onerror=_open_and_retry)


def _open_and_retry(remove: Callable[..., Any], path: str, error: Any) -> None:
    """Steps leave directories that nobody may write to, such as caches of modules."""
    if not isinstance(error[1], PermissionError):
        if not isinstance(error[1], FileNotFoundError):
            raise error[1]
        return
    for place in (os.path.dirname(path), path):
        if stat.S_ISDIR(os.lstat(place).st_mode):
            os.chmod(place, 0o700)
    if remove in (os.rmdir, os.unlink):
        remove(path)
    else:
        remove_tree(path)
