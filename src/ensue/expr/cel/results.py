"""CEL values as JSON."""

import base64
import math
from typing import Final

from ensue.expr.cel import failure, times, values
from ensue.expr.cel.meter import Meter
from ensue.expr.cel.values import Value
from ensue.expr.interface import Code
from ensue.model.values import Json

_ELEMENTS_PER_STEP: Final = 16


def to_json(value: Value, meter: Meter) -> Json:
    """The value itself where it is JSON already. Timestamps, durations, bytes (base64) and types become text, an
    optional value what is in it or null, keys of maps text, doubles that JSON lacks their names."""
    return value if _is_json(value, meter) else _convert(value, meter, 0)


def _is_json(value: Value, meter: Meter) -> bool:
    """Counts each element as often as it is reached: a value that holds another twice is printed twice."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        cls = type(item)
        if cls is dict or cls is list:
            _count(item, meter)
            waiting.extend(item.values() if cls is dict else item)
        elif cls is float:
            if not math.isfinite(item):
                return False
        elif item is not None and cls is not str and cls is not int and cls is not bool:
            return False
    return True


def _count(container: Value, meter: Meter) -> None:
    meter.grow(len(container))
    meter.step(1 + len(container) // _ELEMENTS_PER_STEP)


def _convert(value: Value, meter: Meter, depth: int) -> Json:
    if depth > meter.limits.depth:
        raise failure.Failure(f"the result is nested deeper than {meter.limits.depth}", Code.LIMIT, 0)
    cls = values.class_of(value)
    if cls is list:
        _count(value, meter)
        return [_convert(item, meter, depth + 1) for item in value]
    if cls is dict or cls is values.Map:
        _count(value, meter)
        pairs = values.entries(value)
        return {
            key if isinstance(key, str) else values.show_key(key): _convert(item, meter, depth + 1)
            for key, item in pairs
        }
    if cls is values.Optional:
        return _convert(value.value, meter, depth + 1) if value.has_value else None
    return _convert_scalar(value, cls)


def _convert_scalar(value: Value, cls: type) -> Json:
    if cls is float and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if cls is values.Uint:
        return int(value)
    if cls is bytes:
        return base64.b64encode(value).decode()
    if cls is values.Timestamp:
        return times.format_timestamp(value)
    if cls is values.Duration:
        return times.format_duration(value)
    if cls is values.Type:
        return str(value.name)
    result: Json = value
    return result
