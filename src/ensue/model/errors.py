"""The one tree of errors, two levels deep. A class's docstring is its default message."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # What is imported there would make every command slow to start.
    from ensue.model.identity import Refused


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    HINT = "hint"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One finding in a definition: where it is, what is wrong and what would be right.

    `line` and `column` count from 1; 0 means unknown. `path` is as `spec.steps[2].timeout`.
    """

    message: str
    remedy: str = ""
    path: str = ""
    file: str = ""
    line: int = 0
    column: int = 0
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        place = ":".join(part for part in (self.file, str(self.line or ""), str(self.column or "")) if part)
        head = ": ".join(part for part in (place, self.path, self.message) if part)
        return f"{head} ({self.remedy})" if self.remedy else head


class EnsueError(Exception):
    """Something went wrong."""

    code = "error"

    def __init__(self, message: str = "", *, remedy: str = "") -> None:
        self.message = message or (type(self).__doc__ or "").strip()
        self.remedy = remedy
        super().__init__(self.message)

    def __str__(self) -> str:
        return f"{self.message} ({self.remedy})" if self.remedy else self.message


class InvalidDefinition(EnsueError):
    """The definition is not valid."""

    code = "invalid_definition"

    def __init__(self, problems: Sequence[Problem], message: str = "") -> None:
        self.problems = tuple(problems)
        super().__init__(message or "; ".join(str(problem) for problem in self.problems))


class InvalidInput(EnsueError):
    """The request is not valid."""

    code = "invalid_input"


class InvalidParameters(InvalidInput):
    """The parameters do not fit the workflow."""

    code = "invalid_parameters"

    def __init__(self, message: str = "", *, remedy: str = "", problems: Sequence[Problem] = ()) -> None:
        self.problems = tuple(problems)
        super().__init__(message, remedy=remedy)


class UnsupportedMediaType(InvalidInput):
    """The body is in a format that is not understood."""

    code = "unsupported_media_type"


class NotFound(EnsueError):
    """There is no such object."""

    code = "not_found"


class Unauthenticated(EnsueError):
    """Who is asking could not be established."""

    code = "unauthenticated"


class Denied(EnsueError):
    """This identity may not do that."""

    code = "denied"

    def __init__(self, message: str = "", *, remedy: str = "", refused: "Refused | None" = None) -> None:
        self.refused = refused
        super().__init__(message, remedy=remedy)


class Conflict(EnsueError):
    """The object is not in a state that allows this."""

    code = "conflict"


class Changed(Conflict):
    """The object is not as the request says."""

    code = "precondition_failed"


class DataDirectoryOwned(Conflict):
    """Another process owns the data directory."""

    code = "data_directory_owned"

    def __init__(self, message: str = "", *, pid: int, remedy: str = "") -> None:
        self.pid = pid
        super().__init__(message, remedy=remedy)


class TooLarge(InvalidInput):
    """The body is too large."""

    code = "too_large"


class TooSlow(InvalidInput):
    """The body did not come in time."""

    code = "too_slow"


class NotTaken(InvalidInput):
    """This method is not possible here."""

    code = "method_not_allowed"


class RateExceeded(EnsueError):
    """More comes than the source takes."""

    code = "rate_exceeded"

    def __init__(self, message: str = "", *, after: timedelta) -> None:
        self.after = after
        seconds = math.ceil(after.total_seconds())
        super().__init__(message, remedy=f"try again in {seconds} s")


class Unavailable(EnsueError):
    """The server cannot take this now; try again."""

    code = "unavailable"


class OtherVersion(Unavailable):
    """A supervisor of another version of Ensue still has steps to finish."""


class StoreFull(Unavailable):
    """The database is full."""

    code = "store_full"


class StoreUnreachable(Unavailable):
    """The database cannot be reached."""

    code = "store_unreachable"


class StoreBroken(EnsueError):
    """The database is not one this version of Ensue can work with."""

    code = "store_broken"


class SecretsLocked(EnsueError):
    """The secrets cannot be opened."""

    code = "secrets_locked"


class VaultAway(SecretsLocked):
    """The vault that keeps the secrets does not answer; trying again later may help."""


class Fail(EnsueError):
    """The step failed."""

    code = "fail"


class Retry(EnsueError):
    """The step should be tried again later."""

    code = "retry"

    def __init__(self, after: timedelta, message: str = "") -> None:
        self.after = after
        super().__init__(message)
