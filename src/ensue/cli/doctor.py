"""`ensue doctor`: what would keep a server from working here, and what to do about it."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from ensue.cli import config_file, exits, invocation, printing, tables
from ensue.cli.invocation import JSONPATH, Invocation

COLORS = {"ok": "Succeeded", "warning": "Waiting", "fault": "Failed"}


@click.command("doctor")
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="The data directory.")
@click.option("--database", metavar="URL", help="postgresql://…; default: SQLite in the data directory.")
@config_file.option
@invocation.options
@invocation.pass_invocation
def command(invocation: Invocation, data: Path | None, database: str | None, config: Path | None) -> int:
    """Check that a server can work here: versions, settings, database, clock, disk, keys, steps, address.

    It looks and changes nothing, beside a running server too. Exit code 1: something is at fault.

    \b
    Examples:
      ensue doctor
      ensue doctor --database postgresql://ensue@db/ensue -o json
    """
    from ensue import settings
    from ensue.cli import examining

    invocation.require("a diagnosis", "table", "wide", "json", "yaml", JSONPATH)
    chosen = settings.load(
        os.environ,
        file=config_file.read(config),
        data_dir=data.absolute() if data else None,
        database_url=database,
    )
    findings = asyncio.run(examining.examine(chosen, os.environ))
    items = [finding.view() for finding in findings]
    printing.document(invocation, {"items": items}, lambda found: _render(found["items"]))
    return exits.FAILED if any(finding.state is examining.State.FAULT for finding in findings) else exits.SUCCESS


def _render(items: Sequence[dict[str, Any]]) -> str:
    lines = []
    for item in items:
        mark = tables.paint(f"{item['state']:8}", COLORS[item["state"]])
        lines.append(f"{mark} {item['check']:10} {item['message']}")
        if item["remedy"]:
            lines.append(f"{'':19} → {item['remedy']}")
    return "\n".join(lines)
