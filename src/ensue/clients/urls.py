"""URLs as a request needs them. What shows of one in messages has neither query nor user."""

import re
from dataclasses import dataclass
from ipaddress import IPv6Address
from urllib.parse import quote, unquote, urljoin, urlsplit

PORTS = {"http": 80, "https": 443}

_UNSAFE = re.compile(r"[\x00-\x20\x7f\\]")
_HOST = re.compile(r"[a-z0-9._~-]+")
_KEPT = "%/:?#[]@!$&'()*+,;=~"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    scheme: str
    host: str
    """In ASCII, without brackets."""
    port: int
    path: str
    """With its query."""
    user: tuple[str, str] | None = None
    """User and password of the URL itself."""

    @property
    def authority(self) -> str:
        """The value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> tuple[str, str, int]:
        return self.scheme, self.host, self.port

    @property
    def shown(self) -> str:
        return f"{self.scheme}://{self.authority}{self.path.partition('?')[0]}"


def parse(url: str) -> Target:
    """Raises ValueError, which does not repeat the URL."""
    if _UNSAFE.search(url):
        raise ValueError("a URL holds no spaces, control characters and backslashes")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError("the URL cannot be read") from None
    if parts.scheme not in PORTS:
        raise ValueError("the URL does not begin with http:// or https://")
    user = None
    if parts.username is not None:
        user = unquote(parts.username), unquote(parts.password or "")
    path = quote(parts.path, safe=_KEPT) or "/"
    query = f"?{quote(parts.query, safe=_KEPT)}" if parts.query else ""
    return Target(
        scheme=parts.scheme,
        host=_host(parts.hostname or ""),
        port=PORTS[parts.scheme] if port is None else port,
        path=path + query,
        user=user,
    )


def joined(base: Target, location: str) -> Target:
    """Where a redirect leads. Raises ValueError."""
    return parse(urljoin(f"{base.scheme}://{base.authority}{base.path}", location))


def shown(url: str) -> str:
    """What messages may say of it."""
    try:
        return parse(url).shown
    except ValueError:
        return "(an unreadable URL)"


def _host(name: str) -> str:
    if ":" in name:
        return str(IPv6Address(name))
    try:
        host = name.encode("idna").decode() if not name.isascii() else name
    except UnicodeError:
        host = ""
    if not _HOST.fullmatch(host):
        raise ValueError("the URL has no host, or one that no name can be")
    return host
