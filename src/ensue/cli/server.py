"""`ensue server`, `ensue up`: everything in one process."""

import asyncio
import json
import logging
import os
from pathlib import Path

import click

from ensue import __version__, app, settings
from ensue.cli import exits, labels, logging_setup, serving_loop

Settings = settings.Settings


@click.command("server")
@click.option("--listen", metavar="HOST:PORT", help="Where the HTTP API answers; default 127.0.0.1:8080.")
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="The data directory.")
@click.option("--database", metavar="URL", help="postgresql://…; default: SQLite in the data directory.")
@labels.option("--labels", help="Labels of this worker: steps with `requires` run where they match.")
@click.option("--log-format", type=click.Choice(["text", "json"]), help="How the log on stderr is written.")
def command(
    listen: str | None,
    data: Path | None,
    database: str | None,
    labels: dict[str, str] | None,
    log_format: str | None,
) -> int:
    """Start a server: the HTTP API and a worker.

    It prints one line when it is ready. SIGTERM and Ctrl-C end it: steps that run as processes go on and are taken up
    by the next server on the data directory. A second signal ends it at once.

    \b
    Example:
      ensue server --data ./data --listen 127.0.0.1:8080
    """
    chosen = settings.load(
        os.environ,
        listen=listen,
        data_dir=data.absolute() if data else None,
        database_url=database,
        labels=labels,
        log_format=log_format,
    )
    logging_setup.set_up(getattr(logging, chosen.log_level.upper()), chosen.log_format)

    async def serve(stop: asyncio.Event) -> None:
        await app.serve(chosen, stop, lambda url: _announce(chosen, url))

    serving_loop.run(serve)
    return exits.SUCCESS


def _announce(chosen: Settings, url: str) -> None:
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
