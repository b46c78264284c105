"""An outbound client, and a name service of the test's choice."""

import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest

from ensue.clients.outbound import Outbound
from tests.clients.sending import Resolver


@pytest.fixture
async def outbound() -> AsyncIterator[Outbound]:
    made = Outbound(public_only=False, certificates="")
    yield made
    await made.close()


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Resolver:
    """Makes names resolve to addresses of the test's choice; each further answer may differ."""
    real, known = socket.getaddrinfo, dict[str, list[list[str]]]()

    def look_up(host: Any, port: Any, *more: Any, **options: Any) -> Any:
        answers = known.get(host)
        if answers is None:
            return real(host, port, *more, **options)
        addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        return [entry for address in addresses for entry in real(address, port, *more, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)

    def resolve(name: str, *answers: list[str]) -> None:
        known[name] = list(answers)

    return resolve
