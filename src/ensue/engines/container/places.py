"""Where the attempts of this engine lie on disk, and how their directories look from inside a container.

`order.json`: begun; `stop.json`: why and how it is being ended; `exit.json`: how it ended.
"""

import os
import stat
from collections.abc import Iterator

from ensue.engines import ending, layout
from ensue.model.errors import Fail

ORDER = "order.json"
STOP = "stop.json"
EXIT = "exit.json"
STDIN = "stdin"
"""There until the step has been given all of it."""
BODIES = "bodies.json"
"""What the containers after the setup are made of, until they have what it says of their environment."""
STEP = "step"
SCRIPT = "script"
ENV = "env"
"""What a setup says of the environment of the step."""

INSIDE = "/ensue"
WORKSPACE = f"{INSIDE}/workspace"
STEP_INSIDE = f"{INSIDE}/step"
SCRIPT_INSIDE = f"{INSIDE}/{SCRIPT}"


class Places:
    """The paths below one data directory; `seen_as`: that directory as the engine sees it."""

    def __init__(self, data: str, seen_as: str = "") -> None:
        self.data = os.path.abspath(data)
        self._seen_as = seen_as or os.path.realpath(self.data)
        self.attempts = os.path.join(self.data, "containers")
        self.workspaces = os.path.join(self.data, "workspaces")

    def attempt(self, name: str) -> str:
        return os.path.join(self.attempts, name)

    def workspace(self, run: str) -> str:
        return os.path.join(self.workspaces, run)

    def seen(self, path: str) -> str:
        """A path below the data directory as the engine sees it."""
        return os.path.join(self._seen_as, os.path.relpath(path, self.data))

    def make_workspace(self, run: str) -> str:
        """Which user a container has is not known: all share it as /tmp is shared."""
        for path, mode in ((self.workspaces, 0o711), (self.workspace(run), 0o1777)):
            os.makedirs(path, exist_ok=True)
            if stat.S_IMODE(os.stat(path).st_mode) != mode:
                os.chmod(path, mode)
        return self.workspace(run)

    def make_attempt(self, name: str, parameters: bytes, scripts: dict[str, str]) -> None:
        """Its directory, with what the step is given. Nobody but the server and the container can get there."""
        os.makedirs(self.attempts, mode=0o700, exist_ok=True)
        os.chmod(self.attempts, 0o700)
        directory = self.attempt(name)
        for path in (STEP, f"{STEP}/artifacts"):
            os.makedirs(os.path.join(directory, path), exist_ok=True)
            os.chmod(os.path.join(directory, path), 0o777)  # noqa: S103
        write(os.path.join(directory, STEP, "parameters.json"), parameters, 0o644)
        for script, text in scripts.items():
            write(os.path.join(directory, script), text.encode("utf-8", "surrogateescape"), 0o755)

    def names(self, run: str) -> list[str]:
        return [f"{run}/{name}" for name in listed(os.path.join(self.attempts, run))]

    def all_names(self) -> Iterator[str]:
        for run in listed(self.attempts):
            yield from self.names(run)


def write(path: str, data: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with open(descriptor, "wb") as file:
        file.write(data)
        os.fchmod(descriptor, mode)


def read(path: str) -> bytes:
    """Empty when there is no such file."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return b""


def read_bounded(path: str) -> bytes:
    """What a step wrote, of which any part may be a trap; at most a little more than outputs may have."""
    return ending.read_outputs(path)


def workdir(workspace: str, relative: str) -> str:
    """The directory inside the container. Raises Fail when it is not in the workspace."""
    if "\0" in relative:
        raise Fail("the working directory holds a character that no path can have")
    path = os.path.normpath(os.path.join(workspace, relative))
    if path != workspace and not path.startswith(workspace + "/"):
        raise Fail(f"the working directory {relative} is outside the run's workspace")
    if not os.path.isdir(path):
        raise Fail(f"there is no directory {relative} in the run's workspace")
    return os.path.normpath(os.path.join(WORKSPACE, os.path.relpath(path, workspace)))


def listed(directory: str) -> list[str]:
    try:
        return sorted(name for name in os.listdir(directory) if layout.is_part(name))
    except FileNotFoundError:
        return []
