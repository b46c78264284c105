"""Calls one function of a library, here and in the reference engine, without any text of ours being compiled."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from cel_expr_python import cel
from cel_expr_python.ext import ext_encoders, ext_math, ext_strings

from ensue.expr.cel import functions, values
from ensue.expr.cel.failure import Failure
from ensue.expr.cel.meter import Meter
from ensue.expr.interface import LIMITS, Limits

NAMES = "abcdefgh"


def call(library: functions.Library, name: str, *arguments: Any, limits: Limits = LIMITS) -> Any:
    """A name with a dot is a global function, another a method of the first argument."""
    function = functions.Functions([library]).find(name, is_method="." not in name)
    assert function is not None, name
    return function.find(arguments).call(Meter(limits), arguments)


def outcome(library: functions.Library, name: str, *arguments: Any) -> str:
    """The type and the value, or that there is none; equal for equal ones, NaN too."""
    try:
        return described(call(library, name, *arguments))
    except Failure:
        return "error"


def referred(name: str, *arguments: Any) -> str:
    """What the reference engine gives for the same call."""
    found = _program(name, len(arguments)).eval(data=dict(zip(NAMES, arguments, strict=False)))
    kind = found.type()
    if kind == cel.Type.ERROR:
        return "error"
    plain = found.plain_value()
    return described(values.Uint(plain) if kind == cel.Type.UINT else plain)


def described(value: Any) -> str:
    if isinstance(value, bytearray):
        value = bytes(value)
    if isinstance(value, list):
        return f"[{', '.join(map(described, value))}]"
    return f"{values.kind_of(value)} {value!r}"


@cache
def _program(name: str, count: int) -> Any:
    arguments: Sequence[str] = NAMES[:count]
    text = f"{name}({', '.join(arguments)})" if "." in name else f"a.{name}({', '.join(arguments[1:])})"
    extensions = [ext_strings.ExtStrings(), ext_math.ExtMath(), ext_encoders.ExtEncoders()]
    return cel.NewEnv(variables=dict.fromkeys(NAMES, cel.Type.DYN), extensions=extensions).compile(text)
