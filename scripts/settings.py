"""Prints docs/reference/settings.md, from the model of the settings."""

import sys
from datetime import timedelta
from typing import Any

from pydantic_core import PydanticUndefined

from ensue.model.values import format_duration
from ensue.settings import PREFIX, Settings

HEAD = """\
# Settings

Flag > environment > file (`--config`, `ENSUE_CONFIG`; YAML or JSON with the names of the first column) > default. Every
variable has a twin with `_FILE` at its end, which names a file that holds the value. `ensue config show --origin` says
what holds on a machine and where it comes from; `ensue doctor`, that and the log of a server warn of misspelt
variables.

| in the file | variable | default | meaning |
|---|---|---|---|
"""
COMPUTED = {
    "data_dir": "`~/.local/share/ensue`; for root `/var/lib/ensue`",
    "process_slots": "twice the processors, at least 4",
    "container_slots": "twice the processors, at least 4",
}


def page() -> str:
    return HEAD + "".join(map(_row, Settings.model_fields))


def _row(name: str) -> str:
    field = Settings.model_fields[name]
    about = " ".join((field.description or "").split()).replace("|", "\\|")
    variable = "" if name == "users" else f"`{PREFIX}{name.upper()}`"
    return f"| `{name}` | {variable} | {COMPUTED.get(name) or _default(field.default)} | {about} |\n"


def _default(value: Any) -> str:
    match value:
        case timedelta():
            return f"`{format_duration(value)}`"
        case None | "" | dict():
            return ""
    return "" if value is PydanticUndefined else f"`{value}`"


if __name__ == "__main__":
    sys.stdout.write(page())
