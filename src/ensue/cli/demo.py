"""`ensue demo`: a temporary server, a signed push of GitHub's, and what ensues."""

import asyncio
import logging
from pathlib import Path

import click

from ensue import __version__, app
from ensue.cli import demo_story, exits, logging_setup, serving_loop, temporary
from ensue.clients.server import Server
from ensue.model.errors import Unavailable
from ensue.settings import Settings


@click.command("demo")
@click.option("--once", is_flag=True, help="End when everything was shown.")
def command(once: bool) -> int:
    """Start a temporary server, deliver a push as GitHub signs it, and show what happens.

    First event, decision, run, log and result; then an event that starts nothing, and why. The server stays until
    Ctrl-C, so that other commands can look at it; then everything of it is gone. Interrupted before all was
    shown, its exit code is 130.

    \b
    Examples:
      ensue demo
      ensue demo --once
    """
    logging_setup.set_up(logging.WARNING, "text")
    # The story has a refusal, and tells it itself.
    logging.getLogger("ensue.sources").setLevel(logging.ERROR)
    with temporary.directory(temporary.DEMO) as directory:
        data = directory / "data"

        async def serve(stop: asyncio.Event) -> bool:
            return await _serve(Settings(data_dir=data, listen="127.0.0.1:0"), stop, is_once=once)

        was_told = serving_loop.run(serve)
    return exits.SUCCESS if was_told else exits.INTERRUPTED


async def _serve(settings: Settings, stop: asyncio.Event, *, is_once: bool) -> bool:
    """Whether the story was told to its end."""
    was_told = False
    addresses: list[str] = []
    ready = asyncio.Event()

    def announce(url: str) -> None:
        addresses.append(url)
        ready.set()

    server = asyncio.create_task(app.serve(settings, stop, announce, is_last=True))
    server.add_done_callback(lambda _: ready.set())
    try:
        await ready.wait()
        for url in addresses:
            was_told = await _show(url, settings.data_dir, stop, is_once=is_once)
        if is_once:
            stop.set()
    except BaseException:
        stop.set()
        raise
    finally:
        await server
    return was_told


async def _show(url: str, data: Path, stop: asyncio.Event, *, is_once: bool) -> bool:
    click.echo(f"ensue {__version__}, a temporary server at {url}")
    token = (data / "token").read_text(encoding="ascii").strip()
    with Server(url=url, token=token, remedy="", is_local=True) as server:
        try:
            await asyncio.to_thread(demo_story.tell, server, url)
        except Unavailable:
            # Ctrl-C ended the server in the middle of it.
            if not stop.is_set():
                raise
            return False
    if not is_once and not stop.is_set():
        click.echo(f"\nThe server stays until Ctrl-C. Look at it from another terminal:\n{_hints(data)}")
    return True


def _hints(data: Path) -> str:
    commands = ("get events", "get runs", "explain event ID", "logs RUN")
    return "\n".join(f"  ensue {command} --data {data}" for command in commands)
