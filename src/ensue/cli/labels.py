"""Labels as arguments: `key=value,key=value`, repeatable."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def option(*names: str, help: str) -> Callable[[Decorated], Decorated]:
    """Add an option whose value is a dictionary; None where it is not given."""
    return click.option(*names, multiple=True, metavar="KEY=VALUE", callback=_read, help=help)


def _read(context: click.Context, parameter: click.Parameter, texts: Sequence[str]) -> dict[str, str] | None:
    found = {}
    for part in filter(None, ",".join(texts).split(",")):
        key, sign, value = part.partition("=")
        if not sign or not key.strip():
            raise click.BadParameter(f"{part!r} is not KEY=VALUE", context, parameter)
        found[key.strip()] = value.strip()
    return found or None


def selector(labels: dict[str, str] | None) -> str:
    """As a labelSelector."""
    return ",".join(f"{key}={value}" for key, value in (labels or {}).items())
