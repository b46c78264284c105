"""The values that requests over HTTP are made of, as definitions write them."""

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_URL = re.compile(r"https?://[^\x00-\x20\x7f\\]+", re.IGNORECASE)
_RANGE = re.compile(r"([1-5])xx|([1-5]\d\d)(?:-([1-5]\d\d))?")
_METHODS_REFUSED = frozenset({"CONNECT", "TRACE"})
_HEADERS_REFUSED = frozenset(
    {
        "connection",
        "content-length",
        "host",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""They belong to the connection, not to the message."""


def _url(text: str) -> str:
    if not _URL.fullmatch(text):
        raise ValueError("not a URL: write it as https://example.org/path, with %20 for a space")
    return text


def _method(text: str) -> str:
    method = text.upper()
    if not _TOKEN.fullmatch(method) or method in _METHODS_REFUSED:
        raise ValueError("not a method that can be sent: write GET, POST, PUT, PATCH, DELETE, HEAD or OPTIONS")
    return method


def _header_name(text: str) -> str:
    if not _TOKEN.fullmatch(text):
        raise ValueError("not the name of a header")
    if text.lower() in _HEADERS_REFUSED:
        raise ValueError("this header is not for a step to set")
    return text


def _header_text(value: object) -> object:
    """Stored secrets often end with a line end, which no header can hold."""
    text = as_text(value)
    if not isinstance(text, str):
        return value
    text = text.strip(" \t\r\n")
    if _CONTROL.search(text):
        raise ValueError("a header is one line without control characters")
    return text


def as_text(value: object) -> object:
    """Numbers and booleans as JSON writes them."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def _statuses(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if isinstance(value, frozenset):
        return value
    match = _RANGE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("not a status: write it as 200, 2xx or 500-599")
    if match[1]:
        return frozenset(range(int(match[1]) * 100, int(match[1]) * 100 + 100))
    return frozenset(range(int(match[2]), int(match[3] or match[2]) + 1))


def _as_list(value: object) -> object:
    return value if isinstance(value, list | tuple) else (value,)


def short_retry(value: object) -> object:
    """`retry: 3` is its limit."""
    return {"limit": value} if isinstance(value, int) and not isinstance(value, bool) else value


Url = Annotated[str, AfterValidator(_url)]
Method = Annotated[str, AfterValidator(_method)]
HeaderName = Annotated[str, AfterValidator(_header_name)]
HeaderText = Annotated[str, BeforeValidator(_header_text)]
Text = Annotated[str, BeforeValidator(as_text)]
Statuses = Annotated[tuple[Annotated[frozenset[int], BeforeValidator(_statuses)], ...], BeforeValidator(_as_list)]
"""One or several of `200`, `2xx`, `500-599`."""
