"""The file of settings of long-running commands: --config, or ENSUE_CONFIG."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ensue.model.errors import InvalidDefinition, InvalidInput, NotFound
from ensue.model.values import Json

if TYPE_CHECKING:
    from ensue.settings import ConfigFile

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def option(command: Decorated) -> Decorated:
    """Add --config."""
    return click.option(
        "--config",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="A file of settings and users, YAML or JSON; default: what ENSUE_CONFIG names.",
    )(command)


def read(given: Path | None) -> "ConfigFile | None":
    """None when there is none. Raises NotFound, InvalidInput."""
    from ensue.settings import CONFIG, ConfigFile

    path = given or (Path(named) if (named := os.environ.get(CONFIG)) else None)
    if path is None:
        return None
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        raise NotFound(f"there is no file of settings {path}", remedy=f"check --config and {CONFIG}") from None
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}") from None
    value = _parsed(text, path) if text.strip() else {}
    if not isinstance(value, dict):
        raise InvalidInput(f"{path} holds no mapping of settings", remedy="write as `listen: 127.0.0.1:8080`")
    return ConfigFile(path=str(path), values=value)


def _parsed(text: bytes, path: Path) -> Json:
    """Raises InvalidInput: a file of settings is no definition, whatever it is written in."""
    from ensue import files

    try:
        return files.value(text, str(path))
    except InvalidDefinition as error:
        problem = replace(error.problems[0], file=str(path), remedy="")
        raise InvalidInput(str(problem), remedy=error.problems[0].remedy) from None
