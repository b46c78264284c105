"""Makes the directories an attempt works in. Standard library only."""

import fcntl
import os
import time

from ensue.engines import layout
from ensue.engines.process import spawning


def make_attempt(path: str) -> None:
    """Others may pass through to the step's part, and see nothing."""
    os.makedirs(path, mode=0o711, exist_ok=True)
    os.chmod(path, 0o711)  # noqa: S103
    os.chmod(os.path.dirname(path), 0o711)  # noqa: S103


def take_lock(path: str) -> int:
    """The lock that says that the attempt is alive; raises OSError when another process holds it."""
    descriptor = os.open(os.path.join(path, layout.LOCK), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    for _ in range(100):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            # A server may just be looking whether it is held.
            time.sleep(0.001)
        else:
            return descriptor
    os.close(descriptor)
    raise OSError(f"{path} is held by another process")


def was_started(path: str) -> bool:
    return any(os.path.exists(os.path.join(path, file)) for file in (layout.STARTED, layout.EXIT))


def make_workspace(path: str, user: spawning.User) -> str:
    path = os.path.realpath(path)
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        # Steps of different users share it as /tmp is shared.
        if os.stat(path).st_uid != user.uid:
            os.chmod(path, 0o1777)  # noqa: S103
    else:
        if user.is_other:
            os.chown(path, user.uid, user.gid)
    return path


def make_step(path: str, user: spawning.User, parameters: bytes) -> str:
    """The part of the attempt's directory that is the step's own."""
    path = os.path.join(path, layout.STEP)
    for directory in (path, os.path.join(path, "artifacts")):
        os.makedirs(directory, mode=0o700, exist_ok=True)
        if user.is_other:
            os.chown(directory, user.uid, user.gid)
    for name in ("parameters.json", "script"):
        if os.path.lexists(os.path.join(path, name)):
            # A start that failed half way, as on a full disk.
            os.unlink(os.path.join(path, name))
    spawning.write_for(user, os.path.join(path, "parameters.json"), parameters)
    return path
