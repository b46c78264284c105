"""Exit codes, the same for every command."""

from collections.abc import Mapping
from typing import Final

from ensue.model import errors

SUCCESS: Final = 0
FAILED: Final = 1
USAGE: Final = 2
STOPPED: Final = 3
NOT_FOUND: Final = 4
DENIED: Final = 5
INVALID: Final = 6
CONFLICT: Final = 7
INTERRUPTED: Final = 130
UNREAD: Final = 141
"""The reader of our output went away: what the signal for it would give."""

_OF_ERROR: Mapping[type[errors.EnsueError], int] = {
    errors.InvalidInput: USAGE,
    errors.NotFound: NOT_FOUND,
    errors.Unauthenticated: DENIED,
    errors.Denied: DENIED,
    errors.InvalidDefinition: INVALID,
    errors.Conflict: CONFLICT,
}
_OF_STATE: Mapping[str, int] = {
    "Succeeded": SUCCESS,
    "Skipped": SUCCESS,
    "Cancelled": STOPPED,
    "TimedOut": STOPPED,
}


def of_error(error: errors.EnsueError) -> int:
    return next((_OF_ERROR[kind] for kind in type(error).__mro__ if kind in _OF_ERROR), FAILED)


def of_state(state: str) -> int:
    """The exit code of a command whose outcome is a run's."""
    return _OF_STATE.get(state, FAILED)
