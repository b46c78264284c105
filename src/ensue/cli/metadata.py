"""`ensue metadata`: the API that running steps talk to, of the servers' runs or of a sample."""

import asyncio
import base64
import binascii
import logging
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click

from ensue import __version__
from ensue.cli import config_file, exits, logging_setup, serving_loop
from ensue.model.errors import InvalidInput, NotFound

RELAY: Final = "RELAY_METADATA_API_"
SIGNING_KEY: Final = f"{RELAY}SAMPLE_HS256_SIGNING_KEY"
TOLD_BY_STEPS: Final = "ensue.metadata.sample"
"""The log of what steps of a sample send."""
ANY_PORT: Final = "127.0.0.1:0"
UNUSED: Final = (
    "ENVIRONMENT",
    "LOG_SERVICE_URL",
    "SENTRY_DSN",
    "VAULT_TRANSIT_URL",
    "VAULT_TRANSIT_TOKEN",
    "VAULT_TRANSIT_PATH",
    "VAULT_TRANSIT_KEY",
    "VAULT_AUTH_URL",
    "VAULT_AUTH_PATH",
    "VAULT_AUTH_ROLE",
    "KUBERNETES_URL",
    "KUBERNETES_CA_DATA",
    "KUBERNETES_SERVICE_ACCOUNT_TOKEN",
)
"""What relay's API reads besides, and what has no meaning here."""


@click.command("metadata")
@click.option(
    "--sample",
    "samples",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Serve the imagined runs of a file; of several, later ones win.",
)
@click.option("--run", "run", metavar="RUN", help="The run of the sample that the command is a step of.")
@click.option("--step", "step", metavar="STEP", help="The step that the command is.")
@click.option(
    "--listen", metavar="HOST:PORT", help="Where it answers; default 127.0.0.1:7000, with a command a free port."
)
@click.option("--schemas", metavar="FILE", help="Schemas of steps, in the JSON that relay publishes.")
@click.option("--compat", type=click.Choice(["strict"]), help="Be true to relay's quirks.")
@click.option("--database", metavar="URL", help="Without a sample: the servers' database, postgresql://…")
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Without a sample: its data directory.",
)
@config_file.option
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def command(
    samples: Sequence[Path],
    run: str | None,
    step: str | None,
    listen: str | None,
    schemas: str | None,
    compat: str | None,
    database: str | None,
    data: Path | None,
    config: Path | None,
    command: Sequence[str],
) -> int:
    """Serve the API that running steps talk to.

    With --sample it is that of imagined runs, for who writes the image of a step: it prints an address with a token for
    each step of the sample. With a command after `--` it runs that as the step, with METADATA_API_URL set, and ends
    with it: 0, or 1 when it failed.

    Without a sample it is that of the steps of all workers of a PostgreSQL database; their ENSUE_METADATA_URL says how
    steps reach it. `up`, `server`, `worker` and `run` serve their own steps without it.

    \b
    Examples:
      ensue metadata --sample sample.yaml
      ensue metadata --sample sample.yaml --run 1 --step default -- ./step.sh
      ensue metadata --database postgresql://ensue@db/ensue --data ./metadata --listen 0.0.0.0:7000
    """
    environment = os.environ
    samples = samples or [Path(text) for text in environment.get(f"{RELAY}SAMPLE_CONFIG_FILES", "").split()]
    _warn(environment)
    if not samples:
        if command or run or step or compat:
            raise click.UsageError("--run, --step, --compat and a command need a sample: give --sample FILE")
        return _serve_stored(environment, listen, schemas, data, database, config)
    logging_setup.set_up(logging.INFO if not command else logging.WARNING)
    logging.getLogger(TOLD_BY_STEPS).setLevel(logging.INFO)
    from ensue.app import metadata_api

    order = metadata_api.SampleOrder(
        files=samples,
        key=_key(environment) or metadata_api.new_key(),
        listen=listen or _listen(environment, has_command=bool(command)),
        schemas=schemas or environment.get(f"{RELAY}STEP_METADATA_URL", ""),
        tls=_tls(environment),
        is_strict=compat == "strict",
        is_debug=compat != "strict" or environment.get(f"{RELAY}DEBUG", "").lower() in ("1", "true"),
    )
    return serving_loop.run(lambda stop: _serve(order, stop, run, step, command))


def _serve_stored(
    environment: Mapping[str, str],
    listen: str | None,
    schemas: str | None,
    data: Path | None,
    database: str | None,
    config: Path | None,
) -> int:
    from ensue import settings
    from ensue.app import metadata_api
    from ensue.cli import server

    chosen = settings.load(
        environment,
        file=config_file.read(config),
        metadata_listen=listen or _listen(environment, has_command=False),
        step_schemas=schemas or environment.get(f"{RELAY}STEP_METADATA_URL"),
        data_dir=data.absolute() if data else None,
        database_url=database,
    )
    if not chosen.is_shared:
        raise InvalidInput(
            "the metadata API of stored runs needs a PostgreSQL database; one with SQLite belongs to its server alone",
            remedy="give --database postgresql://…, or --sample FILE; `ensue server` serves its own steps itself",
        )
    logging_setup.of_server(chosen)
    tls = _tls(environment)

    async def serve(stop: asyncio.Event) -> None:
        def announce(url: str) -> None:
            click.echo(f"ensue {__version__} metadata API is ready: {url}, pid {os.getpid()}")

        await metadata_api.serve_stored(chosen, stop, announce, tls)

    serving_loop.run(serve, server.of_itself(chosen, "metadata API"))
    return exits.SUCCESS


async def _serve(order: Any, stop: asyncio.Event, run: str | None, step: str | None, command: Sequence[str]) -> int:
    from ensue.app import metadata_api

    ready: asyncio.Future[metadata_api.Served] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(metadata_api.serve_sample(order, stop, ready.set_result))
    waited: set[asyncio.Future[Any]] = {serving, ready}
    await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
    if not ready.done():
        await serving
        return exits.FAILED
    try:
        served = ready.result()
        for hint in served.hints:
            click.echo(f"warning: {hint}", err=True)
        if run is None and step is None and not command:
            _announce(served)
            await stop.wait()
            return exits.SUCCESS
        address = _address(served, run, step)
        if not command:
            click.echo(address)
            await stop.wait()
            return exits.SUCCESS
        return await _run(command, address, stop)
    finally:
        stop.set()
        await serving


def _announce(served: Any) -> None:
    click.echo(f"the metadata API of the sample is ready: {served.url}")
    for subject, address in served.addresses.items():
        title = f"trigger {subject.name}" if subject.is_trigger else f"run {subject.run}, step {subject.name}"
        click.echo(f"{title}: METADATA_API_URL={address}")
    sys.stdout.flush()


def _address(served: Any, run: str | None, step: str | None) -> str:
    """Of the step that is meant; of the only one, when nothing says which. Raises NotFound."""
    found = [
        (subject, address)
        for subject, address in served.addresses.items()
        if not subject.is_trigger and run in (None, subject.run) and step in (None, subject.name)
    ]
    if len(found) == 1:
        return str(found[0][1])
    steps = [subject for subject in served.addresses if not subject.is_trigger]
    known = [f"--run {shlex.quote(subject.run)} --step {shlex.quote(subject.name)}" for subject in steps]
    problem = "the sample has several such steps" if found else "the sample has no such step"
    raise NotFound(problem, remedy=f"there are {', '.join(known)}" if known else "write runs: and steps: into it")


async def _run(command: Sequence[str], address: str, stop: asyncio.Event) -> int:
    environment = {**os.environ, "METADATA_API_URL": address, "RELAY": "true", "CI": "true"}
    try:
        process = await asyncio.create_subprocess_exec(*command, env=environment)
    except OSError as error:
        raise InvalidInput(f"{command[0]} cannot be run: {error.strerror}") from None
    ended, stopped = asyncio.create_task(process.wait()), asyncio.create_task(stop.wait())
    await asyncio.wait({ended, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if not ended.done():
        process.terminate()
        await ended
        return exits.INTERRUPTED
    if code := ended.result():
        click.echo(f"the command ended with {code}", err=True)
    return exits.FAILED if code else exits.SUCCESS


def _listen(environment: Mapping[str, str], *, has_command: bool) -> str:
    if port := environment.get(f"{RELAY}LISTEN_PORT"):
        return f"0.0.0.0:{port}"
    return environment.get("ENSUE_METADATA_LISTEN") or (ANY_PORT if has_command else "127.0.0.1:7000")


def _key(environment: Mapping[str, str]) -> bytes:
    """Empty without one. Raises InvalidInput."""
    try:
        return base64.b64decode(environment.get(SIGNING_KEY, ""), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidInput(f"{SIGNING_KEY} is not base64", remedy="make one with `openssl rand -base64 64`") from None


def _tls(environment: Mapping[str, str]) -> Any:
    from ensue.api.serving import Tls

    key, certificate = (environment.get(f"{RELAY}{name}") for name in ("TLS_KEY_FILE", "TLS_CERTIFICATE_FILE"))
    if bool(key) != bool(certificate):
        raise InvalidInput(f"{RELAY}TLS_KEY_FILE and {RELAY}TLS_CERTIFICATE_FILE belong together", remedy="set both")
    return Tls(key=Path(key), certificate=Path(certificate)) if key and certificate else None


def _warn(environment: Mapping[str, str]) -> None:
    if names := [f"{RELAY}{name}" for name in UNUSED if f"{RELAY}{name}" in environment]:
        click.echo(f"warning: {', '.join(names)} mean nothing here and are ignored", err=True)
