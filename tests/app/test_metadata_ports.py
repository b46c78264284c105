"""Where the metadata API listens, after a restart and beside an engine that comes late."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from ensue.api import serving
from ensue.app import metadata_ports
from ensue.clients.containers.shapes import Gateway
from ensue.model.errors import Unavailable
from ensue.runtime import patience


def port_of(listener: serving.Listener) -> int:
    port: int = listener.socket.getsockname()[1]
    listener.socket.close()
    return port


def test_an_open_port_is_that_of_the_last_time(tmp_path: Path) -> None:
    ports = [port_of(metadata_ports.bind("127.0.0.1:0", tmp_path, whose)) for whose in ("own", "containers")]
    again = [port_of(metadata_ports.bind("127.0.0.1:0", tmp_path, whose)) for whose in ("own", "containers")]
    assert ports == again
    assert len(set(ports)) == 2


@pytest.mark.parametrize("text", ["", "[]", "{", '{"own": "x"}', '{"own": 99999}', '{"own": -1}', '{"own": true}'])
def test_what_is_remembered_wrongly_counts_for_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / metadata_ports.FILE).write_text(text)
    port = port_of(metadata_ports.bind("127.0.0.1:0", tmp_path, "own"))
    assert port_of(metadata_ports.bind("127.0.0.1:0", tmp_path, "own")) == port


def test_a_port_that_somebody_took_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    taken = metadata_ports.bind("127.0.0.1:0", tmp_path, "own")
    taken.socket.listen()
    with caplog.at_level(logging.WARNING):
        other = metadata_ports.bind("127.0.0.1:0", tmp_path, "own")
    assert "cannot reach the metadata API any more" in caplog.text
    assert port_of(other) != port_of(taken)


Answer: TypeAlias = str | Gateway | Exception | asyncio.Event


class LateEngine:
    """Says its gateway when it is asked often enough; an event is waited for."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = list(answers)

    async def gateway(self) -> Gateway:
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, asyncio.Event):
            await answer.wait()
            raise Unavailable
        return Gateway(address=answer) if isinstance(answer, str) else answer


@contextlib.asynccontextmanager
async def beyond(tmp_path: Path, *answers: Answer) -> AsyncIterator[tuple[metadata_ports.Beyond, list[str]]]:
    served: list[str] = []

    @contextlib.asynccontextmanager
    async def serve(listener: serving.Listener) -> AsyncIterator[None]:
        served.append(listener.url)
        yield
        served.remove(listener.url)
        listener.socket.close()

    engine: Any = LateEngine(*answers)
    found = metadata_ports.Beyond(engine=engine, data_dir=tmp_path, serve=serve, url_of=lambda one: one.url)
    async with found.found():
        yield found, served
    assert not served


async def test_an_engine_that_comes_late_is_waited_for(tmp_path: Path) -> None:
    async with beyond(tmp_path, Unavailable("it is away"), Unavailable("it is away"), "127.0.0.1") as (found, served):
        url = await patience.patiently(found.url)
        assert [url] == served
        assert set(await asyncio.gather(found.url(), found.url())) == {url}


async def test_whether_an_engine_that_is_away_says_an_address_is_not_known(tmp_path: Path) -> None:
    async with beyond(tmp_path, Unavailable("it is away")) as (found, _):
        with pytest.raises(Unavailable, match="it is away"):
            await found.url()


async def test_an_engine_that_does_not_answer_keeps_nobody_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metadata_ports, "FIRST_LOOK", 0.05)
    async with beyond(tmp_path, asyncio.Event()) as (found, _):
        with pytest.raises(Unavailable, match="does not answer"):
            await found.url()


@pytest.mark.parametrize("address", ["", "203.0.113.7"])
async def test_without_an_address_of_this_machine_there_is_none(
    tmp_path: Path, address: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        async with beyond(tmp_path, address) as (found, _):
            assert await found.url() == ""
    assert "ENSUE_METADATA_URL" in caplog.text


async def test_an_address_that_this_machine_gets_later_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metadata_ports, "LATER", 0.01)
    async with beyond(tmp_path, "203.0.113.7", "", "127.0.0.1") as (found, served):
        url = ""
        while not url:
            url = await found.url()
            await asyncio.sleep(0.01)
        assert [url] == served


async def test_an_address_that_comes_and_goes_is_served_before_it_is_there(tmp_path: Path) -> None:
    async with beyond(tmp_path, Gateway(address="203.0.113.7", comes_and_goes=True)) as (found, served):
        assert [await found.url()] == served
        assert served[0].startswith("http://203.0.113.7:")
