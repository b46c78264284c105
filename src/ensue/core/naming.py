"""Names for runs, and identifiers of those that steps begin."""

import hashlib
from datetime import datetime

from ensue.model.run import StepKey
from ensue.model.values import RunUid, to_micros

ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
MAX_NAME = 63
LENGTH = 5
"""Of the suffix."""


def run_name(workflow: str, uid: str, length: int = LENGTH) -> str:
    """`WORKFLOW-xxxxx`, the suffix drawn from the random part of the uid; longer when that one is taken."""
    number = int(uid.replace("-", "")[-16:], 16)
    suffix = ""
    for _ in range(length):
        number, index = divmod(number, len(ALPHABET))
        suffix += ALPHABET[index]
    return f"{workflow[: MAX_NAME - length - 1]}-{suffix}"


def child_uid(key: StepKey, attempt: int, started_at: datetime) -> RunUid:
    """Of the run that an attempt of a step is: always the same, and sorted by time as all others are."""
    digest = hashlib.sha256(f"{key.run}/{key.step}/{key.item}/{attempt}".encode()).digest()
    drawn = int.from_bytes(digest[:10])
    millis = (to_micros(started_at) // 1000) & (2**48 - 1)
    value = millis << 80 | 0x7 << 76 | (drawn >> 62 & 0xFFF) << 64 | 0b10 << 62 | drawn & (2**62 - 1)
    text = f"{value:032x}"
    return RunUid("-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:])))
