"""Bare connections to an engine, for what is no question and answer; and the certificates of all of them."""

import asyncio
import ssl
from urllib.parse import urlsplit

from ensue.clients.containers.hosts import Host, Tls
from ensue.model.errors import InvalidInput

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def context(tls: Tls) -> ssl.SSLContext:
    """Raises InvalidInput for files that cannot be used."""
    try:
        made = ssl.create_default_context(cafile=tls.ca or None)
        if tls.certificate:
            # Without a password here a key that needs one would be asked for at the terminal.
            made.load_cert_chain(tls.certificate, tls.key or None, password=lambda: "")
    except (OSError, ValueError) as error:
        files = ", ".join(name for name in (tls.ca, tls.certificate, tls.key) if name)
        raise InvalidInput(
            f"the certificates for the container engine cannot be used ({files}): {error}",
            remedy="they are PEM, and the key has no password",
        ) from None
    if not tls.verifies:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    return made


async def dial(host: Host) -> Connection:
    """Raises OSError, TimeoutError, asyncio.IncompleteReadError."""
    if host.socket:
        return await asyncio.open_unix_connection(host.socket)
    parts = urlsplit(host.url)
    name, port = parts.hostname or "", parts.port or 0
    secure = None if host.tls is None else context(host.tls)
    if not host.proxy:
        return await asyncio.open_connection(name, port, ssl=secure)
    reader, writer = await _through(host.proxy, parts.netloc)
    if secure is not None:
        await writer.start_tls(secure, server_hostname=name)
    return reader, writer


async def _through(proxy: str, authority: str) -> Connection:
    parts = urlsplit(proxy)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 80)
    writer.write(f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    if head.split(b" ", 2)[1:2] != [b"200"]:
        writer.close()
        raise ConnectionRefusedError(f"the proxy {proxy} lets nobody through to {authority}")
    return reader, writer
