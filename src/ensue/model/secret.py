"""Secrets as all but their vault know them: where one belongs and when it was set, never what it is."""

import re
import shlex
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ensue.model.errors import InvalidInput
from ensue.model.values import DEFAULT_NAMESPACE, NAME_PATTERN, SECRET_NAME_PATTERN, Namespace

DEFAULT_KEY: Final = "value"
MAX_VALUE: Final = 2**20

NAMES: Final = "a-z, A-Z, 0-9, spaces, `.`, `_` and `-`, a letter or digit first, no space last, at most 253"

_NAME = re.compile(SECRET_NAME_PATTERN)
_WORKFLOW = re.compile(NAME_PATTERN)
_KEY = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._-]{1,253}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretPlace:
    """Whose secret, under which name, and which of its values."""

    namespace: Namespace
    name: str
    key: str = DEFAULT_KEY
    workflow: str = ""
    """Empty: every workflow of the namespace may use it. A workflow's own hides the namespace's of the same name."""

    @property
    def title(self) -> str:
        """The secret with all its values."""
        owner = f"of workflow {self.workflow} " if self.workflow else ""
        return f"{self.name} {owner}in namespace {self.namespace}"

    def __str__(self) -> str:
        return f"{self.title}, key {self.key}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """One that is stored."""

    place: SecretPlace
    key_id: str
    """Which key its value is sealed with."""
    created_at: datetime
    changed_at: datetime


def is_name(text: str) -> bool:
    """Whether a secret can be named so."""
    return _NAME.fullmatch(text) is not None


def of_connection(type: str, name: str) -> tuple[str, ...]:
    """How a connection may be named where only secrets are kept, what counts first: its type, two underlines, its
    name; and the same in small letters, as all were kept before names had capitals. One that cannot be kept so has a
    name that no secret has: of a type with two underlines, or one at its end, it would not be known where it ends."""
    named, former = f"{type}__{name}", f"{type}__{name}".lower()
    if "__" in type or type.endswith("_") or not is_name(named):
        return (f"{type}/{name}",)
    return (named, former) if former != named and _WORKFLOW.fullmatch(former) else (named,)


def setting(place: SecretPlace) -> str:
    """The command that sets it, as a shell takes it."""
    key = "" if place.key == DEFAULT_KEY else f" {shlex.quote(place.key)}"
    where = "" if place.namespace == DEFAULT_NAMESPACE else f" -n {place.namespace}"
    owner = f" --workflow {place.workflow}" if place.workflow else ""
    return f"ensue secret set {shlex.quote(place.name)}{key}{where}{owner} < FILE"


def check(place: SecretPlace) -> None:
    """Raises InvalidInput for a name or key that cannot be one."""
    if not is_name(place.name):
        raise InvalidInput(f'"{place.name}" is not the name of a secret', remedy=f"use {NAMES}")
    if place.workflow and not _WORKFLOW.fullmatch(place.workflow):
        remedy = "use at most 63 of a-z, 0-9, - and _, beginning with a letter or digit"
        raise InvalidInput(f'"{place.workflow}" is not the name of a workflow', remedy=remedy)
    if not _KEY.fullmatch(place.key):
        remedy = "use at most 253 letters, digits, `.`, `_` and `-`"
        raise InvalidInput(f'"{place.key}" is not the key of a secret', remedy=remedy)
