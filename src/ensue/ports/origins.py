"""Which files define what: written by who follows them, read by who asks about a definition."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ensue.core.following import Key
from ensue.model.errors import Problem
from ensue.model.values import Namespace

FILE = "file"
"""The manager of what files define."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """A file that defines something, and what is wrong with it there."""

    key: Key
    """Only with the file as its name: what is wrong with the file as a whole."""
    follower: str
    """Who follows the file: every restart of it has the same name."""
    file: str
    line: int
    problems: tuple[Problem, ...] = ()

    @property
    def is_of_file(self) -> bool:
        return not self.key[1]

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


def of_file(file: str, follower: str, problems: tuple[Problem, ...]) -> Origin:
    """What is wrong with a file, or a directory, of which not all can be read."""
    return Origin(key=("", "", file), follower=follower, file=file, line=0, problems=problems)


class Origins(Protocol):
    """One row for each definition, whoever follows its file. A definition that is deleted loses its row."""

    async def claim(self, origins: Sequence[Origin]) -> tuple[Origin, ...]:
        """Record where each is defined now; answers those that another follower has, which stay as they are."""

    async def release(self, follower: str, keys: Sequence[Key]) -> None:
        """Forget those that this follower has."""

    async def list(self, follower: str | None) -> tuple[Origin, ...]:
        """Of one follower, or of all."""

    async def find(self, kind: str, namespace: Namespace | None, name: str | None = None) -> tuple[Origin, ...]:
        """Of a kind, in a namespace or in all; with a name, of that one."""

    async def managers(self, namespace: Namespace) -> Mapping[tuple[str, str], str]:
        """Of every definition of a namespace, by kind and name, whether or not a file defines it."""
