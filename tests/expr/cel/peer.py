"""The reference engine beside ours: both answers in a form that can be compared."""

import base64
import math
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from cel_expr_python import cel as reference
from cel_expr_python.ext import ext_bindings, ext_encoders, ext_math, ext_optional, ext_strings

from ensue.expr import cel
from ensue.expr.cel import times, values
from ensue.expr.interface import Error, Mapped, Value

ERROR = "error"
NOW = datetime(2024, 2, 29, tzinfo=UTC)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@lru_cache(maxsize=1)
def _environment() -> Any:
    extensions = [
        ext_strings.ExtStrings(),
        ext_math.ExtMath(),
        ext_optional.ExtOptional(),
        ext_bindings.ExtBindings(),
        ext_encoders.ExtEncoders(),
    ]
    return reference.NewEnv(variables={"event": reference.Type.DYN}, extensions=extensions)


def theirs(text: str, event: Any) -> Any:
    """Their answer. Types are not checked in advance, as ours are not; errors come back as values."""
    try:
        value = _environment().compile(text, disable_check=True).eval(data={"event": event})
    except RuntimeError:
        return ERROR
    return ERROR if value.type() == reference.Type.ERROR else _plain(value.plain_value())


def ours(text: str, event: Any) -> Any:
    match cel.compile(text).evaluate(Mapped({"event": event}, NOW)):
        case Value(value):
            return _plain(value)
        case Error():
            return ERROR
    raise AssertionError


def _plain(value: Any) -> Any:
    """As JSON, with numbers told apart from bools and doubles from ints."""
    match value:
        case bool():
            return ("bool", value)
        case float():
            return ("double", value if math.isfinite(value) else str(value))
        case "NaN" | "Infinity" | "-Infinity":
            return ("double", {"NaN": "nan", "Infinity": "inf", "-Infinity": "-inf"}[value])
        case bytearray():
            return base64.b64encode(value).decode()
        case datetime():
            return times.format_timestamp(values.Timestamp((value - _EPOCH) // _MICROSECOND * 1000))
        case timedelta():
            return times.format_duration(values.Duration(value // _MICROSECOND * 1000))
        case list():
            return [_plain(item) for item in value]
        case dict():
            return {_key(key): _plain(item) for key, item in value.items()}
    return value


def _key(key: Any) -> str:
    return str(key).lower() if isinstance(key, bool) else str(key)
