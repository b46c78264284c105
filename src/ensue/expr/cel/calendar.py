"""The standard functions over timestamps and durations."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from ensue.expr.cel import functions, times
from ensue.expr.cel.meter import Meter
from ensue.expr.cel.values import NANOS, Duration, Timestamp

CALENDAR: Final = functions.Library("calendar")

_ZONE_COST: Final = 20
_FIELDS: Final[dict[str, Callable[[datetime], int]]] = {
    "getFullYear": lambda moment: moment.year,
    "getMonth": lambda moment: moment.month - 1,
    "getDate": lambda moment: moment.day,
    "getDayOfMonth": lambda moment: moment.day - 1,
    "getDayOfWeek": lambda moment: moment.isoweekday() % 7,
    "getDayOfYear": lambda moment: moment.timetuple().tm_yday - 1,
    "getHours": lambda moment: moment.hour,
    "getMinutes": lambda moment: moment.minute,
    "getSeconds": lambda moment: moment.second,
}
_UNITS: Final = {"getHours": 3600 * NANOS, "getMinutes": 60 * NANOS, "getSeconds": NANOS}


def _declare_field(name: str, field: Callable[[datetime], int]) -> None:
    @CALENDAR.function(name, receiver="timestamp", returns="int")
    def in_utc(timestamp: Timestamp) -> int:
        return field(times.local(timestamp))

    @CALENDAR.function(name, receiver="timestamp", args=("string",), returns="int", metered=True)
    def in_zone(meter: Meter, timestamp: Timestamp, zone: str) -> int:
        meter.step(_ZONE_COST)
        return field(times.local(timestamp, zone))


def _declare_unit(name: str, unit: int) -> None:
    @CALENDAR.function(name, receiver="duration", returns="int")
    def whole(duration: Duration) -> int:
        count = abs(duration.nanos) // unit
        return -count if duration.nanos < 0 else count


for _name, _field in _FIELDS.items():
    _declare_field(_name, _field)
for _name, _unit in _UNITS.items():
    _declare_unit(_name, _unit)


@CALENDAR.function("getMilliseconds", receiver="timestamp", returns="int")
@CALENDAR.function("getMilliseconds", receiver="timestamp", args=("string",), returns="int")
def milliseconds_of_timestamp(timestamp: Timestamp, zone: str = "UTC") -> int:
    if zone != "UTC":
        times.local(timestamp, zone)
    return timestamp.nanos % NANOS // 1_000_000


@CALENDAR.function("getMilliseconds", receiver="duration", returns="int")
def milliseconds_of_duration(duration: Duration) -> int:
    """What is left beside whole seconds."""
    count = abs(duration.nanos) % NANOS // 1_000_000
    return -count if duration.nanos < 0 else count
