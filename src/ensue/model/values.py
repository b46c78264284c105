"""The values that definitions and facts carry: JSON, names, durations."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, NewType

from pydantic import BeforeValidator, JsonValue, PlainSerializer, StringConstraints, WithJsonSchema

Json = JsonValue
Namespace = NewType("Namespace", str)
RunUid = NewType("RunUid", str)
WorkerId = NewType("WorkerId", str)
DefinitionHash = NewType("DefinitionHash", str)

DEFAULT_NAMESPACE = Namespace("default")
NAME_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,62}$"
STEP_NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$"
"""Of the steps of our files, which have no capitals either."""
STEP_TITLE_PATTERN = r"^[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]{1,200}$"
"""Of the steps of relay's files: any text that stays in its line and in its direction."""
SECRET_NAME_PATTERN = r"^[A-Za-z0-9]([A-Za-z0-9 ._-]{0,251}[A-Za-z0-9._-])?$"  # noqa: S105 - a pattern
"""Of secrets, connections among them, as relay's files name them; it is a file name, too."""
MAX_DURATION = timedelta(days=3650)

Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]
SecretName = Annotated[str, StringConstraints(pattern=SECRET_NAME_PATTERN)]
StepName = Annotated[
    str,
    StringConstraints(pattern=STEP_TITLE_PATTERN),
    WithJsonSchema({"type": "string", "pattern": STEP_NAME_PATTERN}),
]
"""The schema is that of our files."""

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_PART = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)(ms|s|m|h|d|w)")


def parse_duration(text: object) -> timedelta:
    """A duration as `1h30m`, `250ms`, `0s`, or a number of seconds."""
    if isinstance(text, timedelta):
        return text
    if isinstance(text, int | float) and not isinstance(text, bool) and text >= 0:
        return _bounded(float(text))
    if isinstance(text, str):
        parts = _PART.findall(text)
        if parts and "".join(number + unit for number, unit in parts) == text:
            return _bounded(sum(float(number) * _UNITS[unit] for number, unit in parts))
        if text == "0":
            return timedelta()
    raise ValueError("not a duration: write it as 30s, 5m, 1h30m or 2d")


def _bounded(seconds: float) -> timedelta:
    if not seconds <= MAX_DURATION.total_seconds():
        raise ValueError("longer than ten years")
    return timedelta(seconds=seconds)


def format_duration(duration: timedelta) -> str:
    """The shortest of our spellings, as `1h30m`."""
    milliseconds = round(duration.total_seconds() * 1000)
    parts = []
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, milliseconds = divmod(milliseconds, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^(\d+(\.\d+)?(ms|s|m|h|d|w))+$", "examples": ["30s", "1h30m"]}),
]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_micros(moment: datetime) -> int:
    """Microseconds since 1970, UTC: how the store and the wire between processes keep time."""
    return (moment - EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    return EPOCH + timedelta(microseconds=micros)


_QUANTITY = re.compile(r"(\d{1,15})(Ki|Mi|Gi|Ti|K|k|M|G|T)?")
_SIZES = {
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
    "Ti": 2**40,
    "K": 10**3,
    "k": 10**3,
    "M": 10**6,
    "G": 10**9,
    "T": 10**12,
}


def parse_bytes(text: object) -> int:
    """A size as Kubernetes writes it, `512Mi` or `1G`, or a number of bytes."""
    if isinstance(text, int) and not isinstance(text, bool) and text >= 0:
        return text
    if isinstance(text, str) and (match := _QUANTITY.fullmatch(text)):
        return int(match[1]) * _SIZES.get(match[2] or "", 1)
    raise ValueError("not a size: write it as 512Mi, 2Gi or a number of bytes")


ByteSize = Annotated[
    int,
    BeforeValidator(parse_bytes),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string"}], "examples": ["512Mi"]}),
]
