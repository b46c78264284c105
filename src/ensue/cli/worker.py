"""`ensue worker`: runs steps, answers nobody."""

import asyncio
import os
from pathlib import Path

import click

from ensue import __version__, app, settings
from ensue.cli import config_file, exits, labels, logging_setup, serving_loop
from ensue.cli.server import of_itself, user_note
from ensue.model.errors import InvalidInput


@click.command("worker")
@config_file.option
@click.option("--database", metavar="URL", help="The servers' database, postgresql://…")
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="The data directory.")
@labels.option("--labels", help="Labels of this worker: steps with `requires` run where they match.")
@click.option("--log-format", type=click.Choice(["text", "json"]), help="How the log on stderr is written.")
def command(
    config: Path | None,
    database: str | None,
    data: Path | None,
    labels: dict[str, str] | None,
    log_format: str | None,
) -> int:
    """Run steps for the servers of a PostgreSQL database.

    Log segments go to ENSUE_STORAGE_DIR, which all processes on the database share.

    \b
    Example:
      ensue worker --database postgresql://ensue@db/ensue --data ./worker --labels arch=arm64
    """
    chosen = settings.load(
        os.environ,
        file=config_file.read(config),
        data_dir=data.absolute() if data else None,
        database_url=database,
        labels=labels,
        log_format=log_format,
    )
    if not chosen.is_shared:
        raise InvalidInput(
            "a worker needs a PostgreSQL database; one with SQLite belongs to its server alone",
            remedy="give --database postgresql://…, or start `ensue server`, which runs steps itself",
        )
    logging_setup.of_server(chosen)

    async def serve(stop: asyncio.Event) -> None:
        async with app.open_node(chosen) as node:
            click.echo(
                f"ensue {__version__} worker is ready: data {chosen.data_dir}, pid {os.getpid()}; {user_note(chosen)}"
            )
            await app.work(node, stop)

    serving_loop.run(serve, of_itself(chosen, "worker"))
    return exits.SUCCESS
