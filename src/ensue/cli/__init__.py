"""The command `ensue`. A command's own module is imported when it is used, so that `ensue --version` is quick."""

import sys


def main() -> None:
    from ensue.cli import commands

    sys.exit(commands.main())
