"""Cron expressions in the field's dialects: Vixie's five fields, robfig's six, descriptors, `@every`, `TZ=`.

A fixed time that a change of the clock skips runs once when the gap ends, and once where it comes twice.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from ensue.model.errors import InvalidInput

DESCRIPTORS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
MAX_TEXT = 1000
SECOND = timedelta(seconds=1)
_PREFIX = re.compile(r"(?:CRON_TZ|TZ)=(\S*)\s+(.*)", re.DOTALL)
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+")
_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When something happens by the clock: at the times of `fields` in a zone, or every so often."""

    text: str
    zone: tzinfo
    fields: str = ""
    second: int = 0
    """A fixed second, apart from the fields, so that they keep the rules for changes of the clock."""
    every: timedelta | None = None

    def after(self, moment: datetime) -> Iterator[datetime]:
        """The times after `moment`, in order, in the zone; none where the expression never comes true again."""
        local = moment.astimezone(self.zone)
        if self.every is not None:
            local = local.replace(microsecond=0)
            while True:
                local = (local.astimezone(UTC) + self.every).astimezone(self.zone)
                yield local
        # A time that matches less than a minute before `moment` may lie after it by its second.
        offset = timedelta(seconds=self.second)
        for found in CronSim(self.fields, (local.astimezone(UTC) - offset).astimezone(self.zone)):
            time = (found.astimezone(UTC) + offset).astimezone(self.zone)
            if time > moment:
                yield time

    def before(self, moment: datetime) -> Iterator[datetime]:
        """About the times until `moment`, the latest first: near a change of the clock they may be off by its width.
        For expressions, not for `@every`."""
        offset = timedelta(seconds=self.second)
        start = (moment.astimezone(UTC) - offset + SECOND).astimezone(self.zone)
        for found in CronSim(self.fields, start, reverse=True):
            yield (found.astimezone(UTC) + offset).astimezone(self.zone)

    def next(self, moment: datetime) -> datetime | None:
        return next(self.after(moment), None)


def parse(text: str, timezone: str = "UTC") -> Schedule:
    """A schedule from `text`; a zone that it names itself wins. Raises InvalidInput that says what is wrong."""
    if len(text) > MAX_TEXT:
        raise InvalidInput(f"a schedule has at most {MAX_TEXT} characters")
    rest = text.strip()
    prefix = _PREFIX.fullmatch(rest)
    if prefix is not None:
        timezone, rest = prefix[1], prefix[2].strip()
    zone = _zone(timezone)
    if rest.startswith("@every"):
        return Schedule(text=text, zone=zone, every=_every(rest[6:].strip()))
    if rest.startswith("@"):
        fields = DESCRIPTORS.get(rest.lower())
        if fields is None:
            raise InvalidInput(f"there is no {rest} ({', '.join(DESCRIPTORS)} and @every DURATION are)")
        return Schedule(text=text, zone=zone, fields=fields)
    return _fields(text, rest, zone)


def _fields(text: str, rest: str, zone: tzinfo) -> Schedule:
    parts = ["*" if part == "?" else re.sub(r"^\?(?=/)", "*", part) for part in rest.split()]
    second = 0
    if len(parts) == 6 and parts[0].isdigit() and int(parts[0]) < 60:
        second = int(parts.pop(0))
    fields = " ".join(parts)
    try:
        CronSim(fields, datetime(2024, 1, 1, tzinfo=UTC))
    except CronSimError as error:
        raise InvalidInput(
            f"{text!r} is no cron expression: {_sentence(str(error))}", remedy="as `*/5 * * * *` or `@daily`"
        ) from None
    return Schedule(text=text, zone=zone, fields=fields, second=second)


def _sentence(message: str) -> str:
    if message.startswith("Bad "):
        return f"the {message.removeprefix('Bad ')} is not understood, or never comes"
    return "it has five fields (minute, hour, day of month, month, day of week), or six with seconds first"


def _every(text: str) -> timedelta:
    if not _DURATION.fullmatch(text):
        raise InvalidInput(f"@every takes a duration as 1h30m, not {text!r}")
    seconds = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
    try:
        # As robfig's: whole seconds, at least one.
        return max(timedelta(seconds=int(seconds)), SECOND)
    except OverflowError:
        raise InvalidInput(f"@every {text} is longer than can be counted") from None


def _zone(name: str) -> tzinfo:
    if name in ("", "UTC"):
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise InvalidInput(f"there is no time zone {name!r} (as Europe/Berlin)") from None
