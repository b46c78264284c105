"""What a container runs, from the step's words and the image's. Pure."""

from collections.abc import Sequence

from ensue.model.errors import Fail


def resolve(
    entrypoint: Sequence[str], cmd: Sequence[str], arguments: Sequence[str], *, keeps_arguments: bool
) -> tuple[str, ...]:
    """The image's own command with these arguments. They take the place of the image's; where it has no entrypoint and
    `keeps_arguments`, they follow. Raises Fail when the image says nothing to run."""
    if entrypoint:
        argv = (*entrypoint, *(arguments or cmd))
    elif cmd and (keeps_arguments or not arguments):
        argv = (*cmd, *arguments)
    else:
        argv = tuple(arguments)
    if not argv:
        raise Fail("the image has neither entrypoint nor command", remedy="give the step a `command` or `run`")
    return argv
