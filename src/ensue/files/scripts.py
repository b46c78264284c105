"""The scripts that relay's files name: beside the file, or at an address."""

import os
from pathlib import Path

from ensue.files import translating
from ensue.files.translating import Script

MAX_SCRIPT = 2**20


def none(place: str) -> str:
    """Of a text that is in no file."""
    raise ValueError("this definition is not in a file, so that nothing is beside it")


def no_fetching(address: str) -> str:
    """Where nobody goes out for a script."""
    raise ValueError("nothing is fetched here")


def beside(file: Path, fetch: Script = no_fetching) -> Script:
    """Reads scripts in the directory of a file and below it, and those at an address with `fetch`."""

    def script(place: str) -> str:
        if translating.ADDRESS.match(place):
            return fetch(place)
        directory = Path(os.path.realpath(file.parent))
        path = Path(os.path.realpath(directory / place))
        if not path.is_relative_to(directory):
            raise ValueError("it is outside of the directory of this file")
        if not path.is_file():
            raise ValueError("there is no such file")
        with path.open("rb") as stream:
            content = stream.read(MAX_SCRIPT + 1)
        if len(content) > MAX_SCRIPT:
            raise ValueError(f"it has more than {MAX_SCRIPT} bytes")
        return content.decode("utf-8")

    return script
