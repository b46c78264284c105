"""Secrets in the environment of the server, as ENSUE_SECRET__NAMESPACE__NAME and ENSUE_SECRET__NAMESPACE__NAME__KEY."""

import re
from collections.abc import Mapping

from ensue.model.secret import DEFAULT_KEY

PREFIX = "ENSUE_SECRET__"

_PLAIN = re.compile(r"[A-Za-z0-9]+(-[A-Za-z0-9]+)*")


class EnvironmentSecrets:
    """Satisfies ports.Elsewhere. A name with an underline, dot or space cannot be told from one with a hyphen, and one
    with two hyphens, or one at its end, from two names: they are not found. Those that differ in capitals alone
    are one."""

    def __init__(self, *, environment: Mapping[str, str]) -> None:
        self._environment = {name: text for name, text in environment.items() if name.startswith(PREFIX)}

    async def secret(self, namespace: str, workflow: str, name: str) -> Mapping[str, bytes]:
        return self._found(namespace, name)

    async def connection(self, namespace: str, workflow: str, type: str, name: str) -> Mapping[str, bytes]:
        return self._found(namespace, type, name)

    def _found(self, *names: str) -> dict[str, bytes]:
        if not all(map(_is_plain, names)):
            return {}
        variable = PREFIX + "__".join(map(_word, names))
        found = {
            name.removeprefix(f"{variable}__"): text.encode("utf-8", "surrogateescape")
            for name, text in self._environment.items()
            if name.startswith(f"{variable}__") and "__" not in name.removeprefix(f"{variable}__")
        }
        if (text := self._environment.get(variable)) is not None:
            found[DEFAULT_KEY] = text.encode("utf-8", "surrogateescape")
        return found


def _is_plain(name: str) -> bool:
    """Whether a variable can name it and nothing else."""
    return _PLAIN.fullmatch(name) is not None


def _word(text: str) -> str:
    return text.upper().replace("-", "_")
