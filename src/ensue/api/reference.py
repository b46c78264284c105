"""The generated page of error codes.

`python -m ensue.api.reference docs/reference` writes it; a test fails when it is out of date.
"""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from ensue.api import problems
from ensue.model import errors

HEAD = """# Errors

**Why it is as it is.** A sentence is for people and may become clearer; a code is for programs and stays. Over HTTP
it is `code` of the problem document, whose `type` is `https://ensue.dev/problems/CODE`; `remedy` there says what to do
about this very error, where more is known than here. Commands print both in one line.

This page is generated from the models: `python -m ensue.api.reference docs/reference`.
"""
REMEDIES: Mapping[str, str] = {
    "conflict": "`detail` names what stands against it: a run that has ended or has not, another manager (`takeOver`), "
    "an `Idempotency-Key` that was used for another request. Repeating the request does not help.",
    "data_directory_owned": "Stop the process that it names, or use another directory; servers share a PostgreSQL.",
    "denied": "Ask somebody who may, or for the permission.",
    "error": "See the log of the server.",
    "fail": "See the message and the log of the step.",
    "internal": "See the log of the server, and tell us: this is our mistake.",
    "invalid_definition": "`problems` has every finding with its path and what would be right.",
    "invalid_input": "`detail` says which part of the request cannot be understood.",
    "invalid_parameters": "`detail` names each parameter; `ensue get workflow NAME -o yaml` shows what there is.",
    "method_not_allowed": "`Allow` has the methods that this address knows.",
    "not_found": "Check name and namespace; `ensue get KIND -A` lists what there is.",
    "precondition_failed": "Read the object again, and send the change with its new `ETag`.",
    "rate_exceeded": "Come again after `Retry-After` seconds, or raise the rate.",
    "retry": "Nothing: it is tried again.",
    "secrets_locked": "Put the key file back, or name it with `ENSUE_SECRET_KEY_FILE`; see [secrets](../secrets.md).",
    "store_broken": "`ensue db check` says more; use the version that upgraded the database, or a backup.",
    "store_full": "Make room where the database is. Nothing that was accepted is lost.",
    "store_unreachable": "See whether the database runs and can be reached. The server waits for it.",
    "too_large": "Send less at once; `ENSUE_EVENT_BYTES` and `maxBytes` of a source are the limits.",
    "too_slow": "Send the body at once.",
    "unauthenticated": "Send `Authorization: Bearer TOKEN`, with a token of this server.",
    "unavailable": "Come again after `Retry-After` seconds.",
    "unknown_host": "Use the name that the server listens at, or set `ENSUE_URL` to the address that people use.",
    "unknown_route": "Check the address; a server that is older than the program that asks does not know all of them.",
    "unsupported_media_type": "Set `Content-Type` to one that the route names.",
}
OWN: Mapping[str, str] = {
    "internal": "The server made a mistake.",
    "unknown_host": "The server does not answer to this name.",
    "unknown_route": "There is nothing at this address.",
}
"""What no class of errors stands for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    name: str
    status: int | None
    """None: it is never an answer over HTTP."""
    meaning: str


def codes() -> dict[str, Code]:
    """All of them, by name."""
    found = {name: Code(name=name, status=status, meaning=OWN[name]) for status, name in _own()}
    for kind in _kinds(errors.EnsueError):
        status = next((problems.STATUS[each] for each in kind.__mro__ if each in problems.STATUS), None)
        meaning = (kind.__doc__ or "").strip().partition("\n")[0]
        found.setdefault(kind.code, Code(name=kind.code, status=status, meaning=meaning))
    return dict(sorted(found.items()))


def pages() -> dict[str, str]:
    """File name to content."""
    return {"errors.md": "\n".join([HEAD, *(_section(each) for each in codes().values())]).rstrip() + "\n"}


def write(directory: Path) -> None:
    for name, content in pages().items():
        (directory / name).write_text(content, encoding="utf-8")


def _own() -> Iterator[tuple[int, str]]:
    yield 500, "internal"
    yield from ((status, name) for status, name in problems.CODES.items() if name in OWN)


def _kinds(kind: type[errors.EnsueError]) -> Iterator[type[errors.EnsueError]]:
    yield kind
    for inner in kind.__subclasses__():
        if inner.__module__ == errors.__name__:
            yield from _kinds(inner)


def _section(code: Code) -> str:
    status = f"HTTP {code.status} {HTTPStatus(code.status).phrase}" if code.status else "Not over HTTP"
    return f"## {code.name}\n\n{code.meaning} ({status}.)\n\n{REMEDIES[code.name]}\n"


if __name__ == "__main__":
    write(Path(sys.argv[1]))
