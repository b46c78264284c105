"""`ensue config`: the settings as a server would find them here."""

import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ensue.cli import config_file, exits, invocation, printing
from ensue.cli.invocation import JSONPATH, Invocation
from ensue.cli.printing import Column, View
from ensue.model.values import format_duration

if TYPE_CHECKING:
    from ensue.settings import Settings

NAME = Column(title="SETTING", cell=lambda item: str(item["name"]))
VALUE = Column(title="VALUE", cell=lambda item: str(item["value"]))
ORIGIN = Column(title="ORIGIN", cell=lambda item: str(item["origin"]))
ABOUT = Column(title="MEANING", cell=lambda item: str(item["description"]), is_wide=True)


@click.group("config")
def command() -> None:
    """Look at the settings of this machine's server."""


@command.command("show")
@click.option("--origin", is_flag=True, help="Say of each where its value comes from.")
@config_file.option
@invocation.options
@invocation.pass_invocation
def show(invocation: Invocation, origin: bool, config: Path | None) -> int:
    """Print every setting with its value: from the environment, a file of settings, or the default.

    Passwords are left out. Flags of `ensue server` come before all of these.

    \b
    Examples:
      ensue config show --origin
      ensue config show -o wide
      ensue config show -o jsonpath='{.items[?(@.name=="listen")].value}'
    """
    from ensue import settings

    invocation.require("settings", "table", "wide", "json", "yaml", "name", JSONPATH)
    file = config_file.read(config)
    chosen = settings.load(os.environ, file=file)
    items = [
        {
            "name": name,
            "variable": "" if name == "users" else f"{settings.PREFIX}{name.upper()}",
            "value": _value(chosen, name),
            "origin": settings.origin(os.environ, file, name),
            "description": field.description or "",
        }
        for name, field in settings.Settings.model_fields.items()
    ]
    columns = [NAME, VALUE, *([ORIGIN] if origin else []), ABOUT]
    printing.listing(invocation, [_as_item(item) for item in items], columns)
    for message, remedy in settings.ignored(os.environ):
        click.echo(f"warning: {message} ({remedy})", err=True)
    return exits.SUCCESS


def _as_item(item: dict[str, str]) -> View:
    return {"kind": "Setting", "metadata": {"name": item["name"]}, **item}


def _value(chosen: "Settings", name: str) -> str:
    """As it would be written, without what is secret."""
    from ensue.store import opening

    found = getattr(chosen, name)
    match found:
        case timedelta():
            return format_duration(found)
        case dict() if name == "users":
            return ",".join(found)
        case dict():
            return ",".join(f"{key}={value}" for key, value in found.items())
        case None:
            return ""
    return opening.hidden(found) if name == "database_url" and found else str(found)
