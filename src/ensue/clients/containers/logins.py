"""Who we are for a registry, as Docker's configuration says: its helpers' programs, or the file itself."""

import asyncio
import base64
import binascii
import contextlib
import json
import re
from collections.abc import Mapping

from ensue.clients.containers.config import DockerConfig, Json
from ensue.model.errors import InvalidInput

HUB = "docker.io"
OF_HUB = "https://index.docker.io/v1/"
"""Docker's first registry goes by this name in its configuration."""
HELPER_SECONDS = 30.0
LARGEST = 2**20

_NOBODY = "credentials not found"
_TOKEN = "<token>"  # noqa: S105 # what a helper says in the place of a user


class HelperFailed(Exception):
    """A program that keeps credentials does not say them."""


def registry_of(reference: str) -> str:
    """The registry that an image is from."""
    first, slash, _ = reference.partition("/")
    return first if slash and (first == "localhost" or "." in first or ":" in first) else HUB


async def find(config: DockerConfig, reference: str) -> dict[str, str]:
    """What to send along when the image is pulled; empty where nobody is known. Raises HelperFailed."""
    try:
        known = await asyncio.to_thread(config.read)
    except InvalidInput as error:
        raise HelperFailed(error.message) from None
    registry = registry_of(reference)
    title = OF_HUB if registry == HUB else registry
    helpers = known.get("credHelpers")
    named = helpers.get(registry) or helpers.get(title) if isinstance(helpers, dict) else None
    if helper := named or known.get("credsStore"):
        return await _ask(str(helper), title)
    return _of_file(known.get("auths"), registry, title)


def _of_file(auths: Json, registry: str, title: str) -> dict[str, str]:
    for name, entry in (auths if isinstance(auths, dict) else {}).items():
        if isinstance(entry, dict) and (name == title or _bare(str(name)) == registry):
            return _entry(entry, title)
    return {}


def _bare(name: str) -> str:
    return re.sub(r"^https?://", "", name).partition("/")[0]


def _entry(entry: Mapping[str, Json], title: str) -> dict[str, str]:
    kept = {name: str(entry[name]) for name in ("identitytoken", "registrytoken") if entry.get(name)}
    user, password = str(entry.get("username") or ""), str(entry.get("password") or "")
    with contextlib.suppress(ValueError, binascii.Error):
        plain = base64.b64decode(str(entry.get("auth") or ""), validate=True).decode()
        if plain:
            user, _, password = plain.rstrip("\0").partition(":")
    known = {"username": user, "password": password} if user else {}
    return {**known, **kept, "serveraddress": title} if known or kept else {}


async def _ask(helper: str, title: str) -> dict[str, str]:
    program = f"docker-credential-{helper}"
    if not re.fullmatch(r"[A-Za-z0-9._-]+", helper):
        raise HelperFailed(f"{helper!r} is no name of a program that keeps credentials")
    try:
        process = await asyncio.create_subprocess_exec(
            program,
            "get",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=LARGEST,
        )
    except OSError as error:
        raise HelperFailed(f"{program} cannot be run: {error.strerror}") from None
    try:
        async with asyncio.timeout(HELPER_SECONDS):
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(title.encode())
            process.stdin.close()
            said = await _all_of(process.stdout)
            code = await process.wait()
    except TimeoutError:
        raise HelperFailed(f"{program} did not answer for {HELPER_SECONDS:.0f} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return _answer(program, title, code, said)


async def _all_of(stream: asyncio.StreamReader) -> bytes:
    """What a program says until its end, however many pieces it comes in; of what is too large the beginning."""
    said = bytearray()
    while len(said) < LARGEST and (piece := await stream.read(LARGEST - len(said))):
        said += piece
    return bytes(said)


def _answer(program: str, title: str, code: int, said: bytes) -> dict[str, str]:
    """What a helper prints on failure is a message; on success, a secret that no message may hold."""
    text = said.decode("utf-8", "replace").strip()
    if code:
        if text.startswith(_NOBODY):
            return {}
        raise HelperFailed(f"{program} ended with {code}: {text[:200]}")
    try:
        found = json.loads(text)
        user, secret = str(found["Username"]), str(found["Secret"])
    except (ValueError, KeyError, TypeError):
        raise HelperFailed(f"{program} answers what is no credential") from None
    if user == _TOKEN:
        return {"identitytoken": secret, "serveraddress": title}
    return {"username": user, "password": secret, "serveraddress": title}
