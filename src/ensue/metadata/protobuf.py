"""The few protobuf messages of logs, read and written by hand: four messages need no compiler. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_FIXED = {_FIXED64: 8, _FIXED32: 4}
_LONGEST_VARINT = 10
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WHOLE = 2**64
Value = int | bytes


class Undecodable(ValueError):
    """The bytes are no such message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateLog:
    context: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppendMessage:
    log_id: str = ""
    media_type: str = ""
    payload: bytes = b""
    at: datetime | None = None


def create_log(data: bytes) -> CreateLog:
    """Raises Undecodable."""
    found = dict(_fields(data))
    return CreateLog(context=_text(found.get(1, b"")), name=_text(found.get(2, b"")))


def append_message(data: bytes) -> AppendMessage:
    """Raises Undecodable."""
    found = dict(_fields(data))
    at = found.get(4)
    return AppendMessage(
        log_id=_text(found.get(1, b"")),
        media_type=_text(found.get(2, b"")),
        payload=_bytes(found.get(3, b"")),
        at=None if at is None else _moment(_bytes(at)),
    )


def texts(*values: str) -> bytes:
    """A message whose fields, from 1 on, are these texts; empty ones are left out."""
    parts = []
    for number, value in enumerate(values, start=1):
        if data := value.encode():
            parts.append(_varint(number << 3 | _BYTES) + _varint(len(data)) + data)
    return b"".join(parts)


def _fields(data: bytes) -> Iterator[tuple[int, Value]]:
    """By number, a later one replaces an earlier; what is unknown is skipped."""
    at = 0
    while at < len(data):
        key, at = _read_varint(data, at)
        number, kind = key >> 3, key & 7
        if not number:
            raise Undecodable("a field has the number 0")
        if kind == _VARINT:
            value, at = _read_varint(data, at)
            yield number, value
            continue
        if kind == _BYTES:
            size, at = _read_varint(data, at)
        elif kind in _FIXED:
            size = _FIXED[kind]
        else:
            raise Undecodable(f"a field has the wire type {kind}")
        if size > len(data) - at:
            raise Undecodable("the message is cut off")
        yield number, data[at : at + size]
        at += size


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift, byte in enumerate(data[at : at + _LONGEST_VARINT]):
        value |= (byte & 0x7F) << 7 * shift
        if byte < 0x80:
            return value % _WHOLE, at + shift + 1
    raise Undecodable("a number has no end")


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _bytes(value: Value) -> bytes:
    if isinstance(value, bytes):
        return value
    raise Undecodable("a number stands where bytes are expected")


def _text(value: Value) -> str:
    try:
        return _bytes(value).decode()
    except UnicodeDecodeError:
        raise Undecodable("a text is not UTF-8") from None


def _moment(data: bytes) -> datetime:
    found = dict(_fields(data))
    seconds, nanos = (_signed(found.get(number, 0)) for number in (1, 2))
    try:
        return _EPOCH + timedelta(seconds=seconds, microseconds=nanos // 1000)
    except OverflowError:
        raise Undecodable("the time is out of range") from None


def _signed(value: Value) -> int:
    if isinstance(value, bytes):
        raise Undecodable("bytes stand where a number is expected")
    return value - _WHOLE if value >= _WHOLE // 2 else value
