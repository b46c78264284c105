"""Timestamps and durations as texts, and as the fields of a calendar in a time zone."""

import re
import zoneinfo
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import Final

from ensue.expr.cel import failure
from ensue.expr.cel.values import NANOS, Duration, Timestamp

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_TIMESTAMP: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt]([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:\.(\d{1,64}))?(?:[Zz]|([+-])([01]\d|2[0-3]):([0-5]\d))",
    re.ASCII,
)
_UNITS: Final = {"h": 3600 * NANOS, "m": 60 * NANOS, "s": NANOS, "ms": 1_000_000, "us": 1000, "µs": 1000, "ns": 1}
_PART: Final = re.compile(r"(\d{0,20})(?:\.(\d{0,20}))?(h|ms|m|s|us|µs|ns)", re.ASCII)
_MAX_TEXT: Final = 200
_OFFSET: Final = re.compile(r"([+-]?)(\d\d):([0-5]\d)", re.ASCII)
_OF_THE_MACHINE: Final = frozenset({"localtime", "posixrules"})
_ZONE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*", re.ASCII)


def parse_timestamp(text: str) -> Timestamp:
    """RFC 3339; digits below a nanosecond are dropped."""
    match = _TIMESTAMP.fullmatch(text) if len(text) <= _MAX_TEXT else None
    if match is None:
        raise failure.Failure(f"not a timestamp as 2006-01-02T15:04:05Z: {text[:60]!r}")
    year, month, day, hour, minute, second = map(int, match.groups()[:6])
    try:
        days = date(year, month, day).toordinal() - _EPOCH_DAY
    except ValueError as error:
        raise failure.Failure(f"no such date: {text[:10]}") from error
    seconds = days * 86400 + hour * 3600 + minute * 60 + second
    if match[8]:
        offset = int(match[9]) * 3600 + int(match[10]) * 60
        seconds += offset if match[8] == "-" else -offset
    return Timestamp(seconds * NANOS + int((match[7] or "0")[:9].ljust(9, "0")))


def format_timestamp(timestamp: Timestamp) -> str:
    seconds, nanos = divmod(timestamp.nanos, NANOS)
    moment = _EPOCH + timedelta(seconds=seconds)
    return f"{moment.replace(tzinfo=None).isoformat()}{_fraction(nanos)}Z"


def parse_duration(text: str) -> Duration:
    """As `1h30m`, `-1.5s`, `250ms`, `0`."""
    body = text[1:] if text[:1] in {"+", "-"} else text
    total, place = 0, 0
    while 0 < len(body) <= _MAX_TEXT and place < len(body) and (match := _PART.match(body, place)):
        whole, fraction, unit = match.groups()
        if not whole and not fraction:
            break
        total += int(whole or "0") * _UNITS[unit]
        total += int(fraction or "0") * _UNITS[unit] // 10 ** len(fraction or "")
        place = match.end()
    if (place == 0 or place < len(body)) and body != "0":
        raise failure.Failure(f"not a duration as 1h30m or 1.5s: {text[:60]!r}")
    return Duration(-total if text.startswith("-") else total)


def format_duration(duration: Duration) -> str:
    """In seconds, as JSON has it: `3.5s`."""
    seconds, nanos = divmod(abs(duration.nanos), NANOS)
    return f"{'-' if duration.nanos < 0 else ''}{seconds}{_fraction(nanos)}s"


def _fraction(nanos: int) -> str:
    return f".{nanos:09}".rstrip("0") if nanos else ""


def local(timestamp: Timestamp, zone: str = "UTC") -> datetime:
    """The moment in a zone, to the second."""
    moment = _EPOCH + timedelta(seconds=timestamp.nanos // NANOS)
    try:
        return moment.astimezone(_find_zone(zone))
    except OverflowError as error:
        raise failure.Failure("timestamp overflow: years are 1 to 9999") from error


def _find_zone(name: str) -> tzinfo:
    """A name of the time zone database, or a fixed offset as `+05:30` or `-08:00`."""
    if name == "UTC":
        return UTC
    if match := _OFFSET.fullmatch(name):
        offset = timedelta(hours=int(match[2]), minutes=int(match[3]))
        if offset < timedelta(days=1):
            return timezone(-offset if match[1] == "-" else offset)
    elif len(name) <= _MAX_TEXT and _ZONE.fullmatch(name) and name not in _OF_THE_MACHINE:
        try:
            return zoneinfo.ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            pass
    raise failure.Failure(f"unknown time zone: {name[:60]}")
