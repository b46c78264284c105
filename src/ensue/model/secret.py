"""Secrets as all but their vault know them: where one belongs and when it was set, never what it is."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ensue.model.errors import InvalidInput
from ensue.model.values import DEFAULT_NAMESPACE, NAME_PATTERN, Namespace

DEFAULT_KEY: Final = "value"
MAX_VALUE: Final = 2**20

_NAME = re.compile(NAME_PATTERN)
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


def of_connection(type: str, name: str) -> str:
    """How a connection is named where only secrets are kept: its type, two underlines, its name."""
    return f"{type.lower().replace('__', '/')}__{name.lower()}"


def setting(place: SecretPlace) -> str:
    """The command that sets it."""
    key = "" if place.key == DEFAULT_KEY else f" {place.key}"
    where = "" if place.namespace == DEFAULT_NAMESPACE else f" -n {place.namespace}"
    owner = f" --workflow {place.workflow}" if place.workflow else ""
    return f"ensue secret set {place.name}{key}{where}{owner} < FILE"


def check(place: SecretPlace) -> None:
    """Raises InvalidInput for a name or key that cannot be one."""
    for what, text in (("secret", place.name), ("workflow", place.workflow)):
        if not _NAME.fullmatch(text) and (what == "secret" or text):
            remedy = "use at most 63 of a-z, 0-9, - and _, beginning with a letter or digit"
            raise InvalidInput(f'"{text}" is not the name of a {what}', remedy=remedy)
    if not _KEY.fullmatch(place.key):
        remedy = "use at most 253 letters, digits, `.`, `_` and `-`"
        raise InvalidInput(f'"{place.key}" is not the key of a secret', remedy=remedy)
