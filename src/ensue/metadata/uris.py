"""What the reference takes as the address of a link: absolute, relative or opaque, with escapes that are ones. Pure."""

import ipaddress
import re

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NO_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_USER = re.compile(r"[A-Za-z0-9._:~!$&'()*+,;=%@-]*")
_PORT = re.compile(r"(:[0-9]*)?")
_HOST = re.compile(r"""([A-Za-z0-9!$&'()*+,;=:\]<>"._~-]|[^\x00-\x7f]|%[89A-Fa-f][0-9A-Fa-f]|%25)*""")
_ZONE = re.compile(r"""([A-Za-z0-9!$&'()*+,;=:\]<>"._~-]|[^\x00-\x7f]|%25|%20)+""")


def fault(uri: str) -> str:
    """Why it is no URI; empty when it is one."""
    if _CONTROL.search(uri):
        return "it holds a control character"
    rest, _, fragment = uri.partition("#")
    scheme = _SCHEME.match(rest)
    if rest.startswith(":"):
        return "it begins with a colon"
    if _NO_ESCAPE.search(fragment):
        return "a % is not followed by two hexadecimal digits"
    rest = rest[scheme.end() if scheme else 0 :].partition("?")[0]
    if not rest.startswith("/"):
        is_wrong = scheme is None and ":" in rest.partition("/")[0]
        return "what is before the first colon is no scheme" if is_wrong else _of_path("" if scheme else rest)
    if rest.startswith("//") and (scheme or not rest.startswith("///")):
        authority, _, rest = rest[2:].partition("/")
        if found := _of_authority(authority):
            return found
    return _of_path(rest)


def _of_path(path: str) -> str:
    return "a % is not followed by two hexadecimal digits" if _NO_ESCAPE.search(path) else ""


def _of_authority(authority: str) -> str:
    user, _, host = authority.rpartition("@")
    if not _USER.fullmatch(user) or _NO_ESCAPE.search(user):
        return "what is before the @ names no user"
    name, colon, port = host.rpartition(":") if ":" in host else (host, "", "")
    if host.startswith("["):
        literal, bracket, rest = host[1:].rpartition("]")
        if not bracket or not _is_address(literal):
            return "in [ and ] is no address"
        name, colon, port = "", rest[:1], rest[1:]
    if not _PORT.fullmatch(f"{colon}{port}"):
        return f"{port} is no port"
    return "" if _HOST.fullmatch(name) else "its host has a character that no host has"


def _is_address(literal: str) -> bool:
    """Of version 6, with a zone perhaps."""
    address, percent, zone = literal.partition("%25")
    try:
        ipaddress.IPv6Address(address)
    except ValueError:
        return False
    return "%" not in address and bool(not percent or _ZONE.fullmatch(zone))
