"""`ensue server`, `ensue up`: everything in one process."""

import asyncio
import contextlib
import json
import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from ensue import __version__, app, settings
from ensue.cli import config_file, definition_files, exits, labels, logging_setup, serving_loop
from ensue.files.reading import STANDARD_INPUT

log = logging.getLogger("ensue.server")

Settings = settings.Settings
Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def options(command: Decorated) -> Decorated:
    """What both commands take."""
    for option in (
        click.option("--log-format", type=click.Choice(["text", "json"]), help="How the log on stderr is written."),
        labels.option("--labels", help="Labels of this worker: steps with `requires` run where they match."),
        click.option("--database", metavar="URL", help="postgresql://…; default: SQLite in the data directory."),
        click.option(
            "--data", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="The data directory."
        ),
        click.option("--listen", metavar="HOST:PORT", help="Where the HTTP API answers; default 127.0.0.1:8080."),
    ):
        command = option(command)
    return config_file.option(command)


@click.command("server")
@options
def command(**given: Any) -> int:
    """Start a server: the HTTP API and a worker.

    It prints one line on stderr as it begins and one on stdout when it is ready; commands for it wait up to a minute
    for that. SIGTERM and Ctrl-C end it, which it says on stderr, and when it has ended: steps that run as processes go
    on and are taken up by the next server on the data directory. A second signal ends it at once.

    \b
    Example:
      ensue server --data ./data --listen 127.0.0.1:8080
    """
    return _serve(None, **given)


@click.command("up")
@click.option("-f", "--file", "paths", multiple=True, metavar="PATH", help="A file or directory to follow.")
@click.option("--take-over", is_flag=True, help="At the start, also replace what others than these files manage.")
@options
def up(paths: Sequence[str], take_over: bool, **given: Any) -> int:
    """Start everything in one process, and keep what files define applied.

    All definitions of the files and directories are applied before the line that says that it is ready. From then on
    they follow the files: what is edited is applied, what vanishes is deleted, and of what is broken the last good
    version goes on, which the log, `ensue get` and `ensue describe` say. What runs, and what triggers remember, is
    not touched by any of that.

    \b
    Examples:
      ensue up -f workflows/ -f triggers.yaml
      ensue up -f /etc/ensue --data /var/lib/ensue --listen 0.0.0.0:8080
    """
    if take_over and not paths:
        raise click.UsageError("--take-over is about the files of -f; there is none")
    if STANDARD_INPUT in paths:
        raise click.UsageError("standard input cannot be followed; name a file, or use `ensue apply -f -`")
    definition_files.require(paths)
    follow = app.Following(paths=tuple(Path(path) for path in paths), take_over=take_over) if paths else None
    return _serve(follow, **given)


def _serve(
    follow: app.Following | None,
    *,
    listen: str | None,
    config: Path | None,
    data: Path | None,
    database: str | None,
    labels: dict[str, str] | None,
    log_format: str | None,
) -> int:
    chosen = settings.load(
        os.environ,
        file=config_file.read(config),
        listen=listen,
        data_dir=data.absolute() if data else None,
        database_url=database,
        labels=labels,
        log_format=log_format,
    )
    logging_setup.of_server(chosen)
    say = of_itself(chosen)
    # At once: a first start, a busy machine or a long migration take their time.
    say(f"is starting, data {chosen.data_dir}")

    async def serve(stop: asyncio.Event) -> None:
        await app.serve(chosen, stop, lambda url: _announce(chosen, url), follow=follow)

    serving_loop.run(serve, say)
    return exits.SUCCESS


def of_itself(chosen: Settings, title: str = "") -> Callable[[str], None]:
    """Says in a line on stderr what becomes of this process; `title` is what it is, if no server."""
    name = " ".join(filter(None, ("ensue", __version__, title)))

    def say(words: str) -> None:
        line = f"{name} {words}, pid {os.getpid()}"
        if chosen.log_format == "json":
            log.info(line)
            return
        # Whoever read it may be gone before this process.
        with contextlib.suppress(OSError):
            click.echo(line, err=True)

    return say


def _announce(chosen: Settings, url: str) -> None:
    serving_loop.settle()
    note = user_note(chosen)
    if chosen.log_format == "json":
        about = {"version": __version__, "url": url, "data": str(chosen.data_dir), "pid": os.getpid()}
        click.echo(json.dumps({"message": "ready", **about, "note": note}))
    else:
        where = f"{url} (on every interface)" if _is_everywhere(chosen.listen) else url
        click.echo(f"ensue {__version__} is ready: {where}, data {chosen.data_dir}, pid {os.getpid()}; {note}")


def _is_everywhere(listen: str) -> bool:
    from ensue.api import guarding

    return listen.rpartition(":")[0].strip("[]") in ("", *guarding.ANY_ADDRESS)


def user_note(chosen: Settings) -> str:
    """Whether steps can reach what is the server's."""
    if chosen.step_user and os.geteuid() == 0:
        return f"process steps run as {chosen.step_user}"
    name = app.local_identity().subject.partition(":")[2]
    return f"process steps run as {name}, the server's own user (ENSUE_STEP_USER changes that)"
