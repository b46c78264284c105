"""Reads attributes out of a payload: what is absent, of another type or unfit for an attribute counts as empty."""

import re
import urllib.parse
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from ensue.clients import cloudevents
from ensue.model.values import Json, from_micros
from ensue.sources.webhook import redacting

MAX_TEXT: Final = 1024
MAX_ID: Final = 256
"""Store and index hold source and id of every event."""
_FORBIDDEN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_NO_WORD: Final = re.compile(r"[^A-Za-z0-9_.:-]")
_SPACED: Final = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) (UTC|[+-]\d{4})")
_OFFSET: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4}")
_LATEST: Final = 253_402_300_799
"""The last second of the year 9999."""


def find(data: Json, path: str) -> Json:
    """What is at a dotted path; numbers are places in lists."""
    for part in path.split("."):
        if isinstance(data, dict):
            data = data.get(part)
        elif isinstance(data, list) and part.isdecimal() and int(part) < len(data):
            data = data[int(part)]
        else:
            return None
    return data


def text(data: Json, *paths: str) -> str:
    """The first that is a text or a whole number."""
    for path in paths:
        value = find(data, path)
        if isinstance(value, str | int) and not isinstance(value, bool) and (found := fit(str(value))):
            return found
    return ""


def moment(data: Json, *paths: str) -> datetime | None:
    """The first that is a time: RFC 3339, GitLab's and Bitbucket's spellings, or seconds since 1970."""
    for path in paths:
        value = find(data, path)
        if isinstance(value, str) and (found := _from_text(value)):
            return found
        if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _LATEST:
            return from_micros(value * 1_000_000)
    return None


def header(headers: Mapping[str, str], *names: str) -> str:
    """The first that is there, fit to be an id."""
    for name in names:
        value = fit(headers.get(name, "").strip())
        if value and len(value) <= MAX_ID:
            return value
    return ""


def word(value: str, otherwise: str = "") -> str:
    """A part of a type; `otherwise` for what is none."""
    return otherwise if not value or len(value) > 100 or _NO_WORD.search(value) else value


def fit(value: str) -> str:
    """Empty for what no attribute can hold, and for what the source redacts."""
    return "" if len(value) > MAX_TEXT or _FORBIDDEN.search(value) or value == redacting.MASK else value


def uri(value: str) -> str:
    """A source is a URI-reference: without white space."""
    escaped = re.sub(r"\s", lambda match: urllib.parse.quote(match[0]), value)
    return escaped if len(escaped) <= MAX_TEXT else ""


def _from_text(value: str) -> datetime | None:
    found = cloudevents.moment(value)
    if match := _SPACED.fullmatch(value):
        value = f"{match[1]}T{match[2]}{match[3].replace('UTC', '+0000')}"
    try:
        if found is None and _OFFSET.fullmatch(value):
            found = datetime.fromisoformat(value)
        # A time that leaves the calendar on the way to UTC could be stored and not read back.
        return found.astimezone(UTC) if found else None
    except (ValueError, OverflowError):
        return None
