"""The encoders extension: base64."""

import base64
import binascii
import re
from typing import Final

from ensue.expr.cel import failure, functions
from ensue.expr.cel.meter import Meter

ENCODERS: Final = functions.Library("encoders")

_SPACE: Final = re.compile(r"[ \t\n\v\f\r]+")
_DATA: Final = re.compile(r"[A-Za-z0-9+/]*(={0,2})")


@ENCODERS.function("base64.encode", args=("bytes",), returns="string", metered=True)
def encode(meter: Meter, data: bytes) -> str:
    meter.look(len(data))
    meter.grow(len(data) * 4 // 3 + 4)
    return base64.b64encode(data).decode()


@ENCODERS.function("base64.decode", args=("string",), returns="bytes", metered=True)
def decode(meter: Meter, text: str) -> bytes:
    """White space is passed over, and the padding may be missing, all of it."""
    meter.look(len(text))
    meter.grow(len(text))
    text = _SPACE.sub("", text)
    match = _DATA.fullmatch(text)
    if match is None or (match[1] and len(text) % 4):
        raise failure.Failure("invalid base64 data")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as error:
        raise failure.Failure("invalid base64 data") from error
