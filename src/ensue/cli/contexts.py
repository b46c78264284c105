"""The servers that a user logged in to, by name: one file, for its owner's eyes only."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ensue.expr import spelling
from ensue.model.errors import InvalidInput, NotFound, Unauthenticated

LOCAL = "local"
"""The name of the server on this machine, which needs no login."""


@dataclass(frozen=True, slots=True)
class Context:
    url: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Contexts:
    current: str = LOCAL
    known: Mapping[str, Context] = field(default_factory=dict)

    def get(self, name: str) -> Context:
        """Raises NotFound."""
        if name not in self.known:
            remedy = spelling.did_you_mean(name, (LOCAL, *self.known)) or "`ensue context list` lists them"
            raise NotFound(f"there is no context {name}", remedy=remedy)
        return self.known[name]


def path() -> Path:
    home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(home) / "ensue" / "contexts.json"


def read() -> Contexts:
    """Raises InvalidInput for a file that is broken, Unauthenticated for one that others may read."""
    file = path()
    try:
        if file.stat().st_mode & 0o077:
            raise Unauthenticated(f"others may read {file}, which holds tokens", remedy=f"chmod 600 {file}")
        found = json.loads(file.read_text(encoding="utf-8"))
        known = {str(name): Context(str(one["url"]), str(one["token"])) for name, one in found["contexts"].items()}
        return Contexts(current=str(found["current"]), known=known)
    except FileNotFoundError:
        return Contexts()
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InvalidInput(f"{file} is broken", remedy="delete it, and log in again") from None


def write(contexts: Contexts) -> None:
    """All or nothing, and never readable for others, not even for a moment."""
    file = path()
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    value = {"current": contexts.current, "contexts": {name: asdict(one) for name, one in contexts.known.items()}}
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
        stream.write(json.dumps(value, indent=2) + "\n")
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(file)
