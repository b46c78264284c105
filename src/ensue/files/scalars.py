"""What a scalar means in each dialect: YAML 1.2 core, go-yaml v3 (relay), yaml.v2 (relations), JSON.

Raises ValueError with a message for the reader of the file.
"""

import base64
import binascii
import re
from datetime import UTC, datetime, timedelta, timezone

from ensue.model.definition import Dialect
from ensue.model.values import Json

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLS = {word: value for value in (True, False) for word in (str(value), str(value).lower(), str(value).upper())}
_YES = ("y", "Y", "yes", "Yes", "YES", "on", "On", "ON")
_NO = ("n", "N", "no", "No", "NO", "off", "Off", "OFF")
_BOOLS_1_1 = {**_BOOLS, **dict.fromkeys(_YES, True), **dict.fromkeys(_NO, False)}
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_CORE_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_GO_INT = re.compile(r"([-+]?)(0[xX][0-9a-fA-F]+|0[oO]?[0-7]+|0[bB][01]+|0|[1-9][0-9]*)")
_TIMESTAMP = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})"
    r"(?:([Tt ])(\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.(\d{1,9}))?(Z|[-+]\d{2}:\d{2})?)?",
    re.ASCII,
)
INT64 = range(-(2**63), 2**63)
UINT64 = 2**64


def resolve(text: str, dialect: Dialect) -> Json:
    """The value of a plain scalar."""
    match dialect:
        case Dialect.RELAY:
            return _go(text, _BOOLS, has_timestamps=True)
        case Dialect.RELATION | Dialect.KUBE_TRIGGER:
            return _whole(_go(text, _BOOLS_1_1, has_timestamps=False))
        case _:
            return _core(text)


def resolve_tagged(tag: str, text: str, dialect: Dialect) -> Json:
    """The value of a scalar with a standard tag (`!!str`, `!!int`…)."""
    match tag:
        case "!!str" | "!":
            return text
        case "!!binary" if dialect is not Dialect.ENSUE:
            return _binary(text)
        case "!!timestamp" if dialect is not Dialect.ENSUE:
            return _timestamp(text) or text if dialect is Dialect.RELAY else text
    value = resolve(text, dialect)
    match tag, value:
        case ("!!null", None) | ("!!bool", bool()):
            return value
        case ("!!int" | "!!float", bool()):
            pass
        case "!!int", int():
            return value
        case "!!float", int() | float():
            return float(value)
    raise ValueError(f"`{text}` is not {_TAG_NOUNS.get(tag, f'a {tag}')}")


_TAG_NOUNS = {"!!null": "null", "!!bool": "a boolean", "!!int": "an integer", "!!float": "a number"}


def resolve_json(text: str, dialect: Dialect) -> Json:
    """The value of a JSON number or word."""
    match text:
        case "true" | "false":
            return text == "true"
        case "null":
            return None
    if "." in text or "e" in text or "E" in text:
        value = _finite(float(text), text)
        return _whole(value) if dialect is Dialect.RELATION else value
    return _bounded(_int(text, 10), text, dialect)


def _core(text: str) -> Json:
    if text in _NULLS:
        return None
    if text in _BOOLS:
        return _BOOLS[text]
    if _CORE_INT.fullmatch(text):
        return _bounded(_int(text, 10), text, Dialect.ENSUE)
    if _FLOAT.fullmatch(text):
        return _finite(float(text), text)
    if _NOT_FINITE.fullmatch(text):
        raise ValueError(f"`{text}` is not a number that JSON can hold: quote it if it is a text")
    return text


def _go(text: str, bools: dict[str, bool], *, has_timestamps: bool) -> Json:
    if text in _NULLS:
        return None
    if text in bools:
        return bools[text]
    if _NOT_FINITE.fullmatch(text):
        raise ValueError(f"`{text}` is not a number that JSON can hold: quote it if it is a text")
    if not text[0].isascii() or not (text[0].isdigit() or text[0] in "+-."):
        return text
    if has_timestamps and (moment := _timestamp(text)):
        return moment
    plain = text if text[0] == "." else text.replace("_", "")
    if match := _GO_INT.fullmatch(plain):
        value = int(match[1] + "1") * _int(match[2], 8)
        if INT64.start <= value < UINT64:
            return value
    if _FLOAT.fullmatch(plain):
        number = float(plain)
        return text if number in (float("inf"), float("-inf")) else number
    return text


def _int(digits: str, leading_zero_base: int) -> int:
    """Python refuses `010`; what it means differs by dialect. Bounded before: int() is quadratic."""
    if len(digits) > 100:
        return UINT64 * 2
    if digits[:2].lower() in ("0x", "0o", "0b"):
        return int(digits, 0)
    if digits[:1] == "0" and len(digits) > 1:
        return int(digits, leading_zero_base)
    return int(digits)


def _bounded(value: int, text: str, dialect: Dialect) -> Json:
    if value in INT64 or (dialect is not Dialect.ENSUE and 0 <= value < UINT64):
        return value
    if dialect is Dialect.ENSUE:
        raise ValueError(f"`{text[:40]}` does not fit into 64 bits: quote it if it is a text")
    return _finite(float(text), text)


def _finite(number: float, text: str) -> float:
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"`{text[:40]}` is larger than any number: quote it if it is a text")
    return number


def _whole(value: Json) -> Json:
    """Relations pass through JSON as Go writes it, where 1.0 is 1."""
    return int(value) if isinstance(value, float) and value.is_integer() and int(value) in INT64 else value


def _timestamp(text: str) -> str | None:
    """A time as go-yaml v3 reads it and JSON writes it (RFC 3339)."""
    match = _TIMESTAMP.fullmatch(text)
    if not match:
        return None
    separator, fraction, zone = match[4], match[8], match[9]
    if separator and (separator in "Tt") != bool(zone):
        return None
    try:
        numbers = [int(part) for part in match.group(1, 2, 3, 5, 6, 7) if part]
        moment = datetime(*numbers, tzinfo=_zone(zone))  # type: ignore[misc,arg-type]
    except ValueError:
        return None
    digits = (fraction or "").rstrip("0")
    body = moment.replace(tzinfo=None).isoformat() + (f".{digits}" if digits else "")
    return body + ("Z" if moment.utcoffset() == timedelta() else zone or "Z")


def _zone(text: str | None) -> timezone:
    if not text or text == "Z":
        return UTC
    hours, minutes = int(text[1:3]), int(text[4:6])
    return timezone((1 if text[0] == "+" else -1) * timedelta(hours=hours, minutes=minutes))


def _binary(text: str) -> str:
    try:
        return base64.b64decode("".join(text.split()), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        raise ValueError("not base64 of UTF-8 text") from None
