"""Reads a vault that speaks version 2 of Vault's key-value API."""

import asyncio
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ensue.model.errors import SecretsLocked, VaultAway

ANSWER_SECONDS = 10.0
PATIENCE = 30.0
"""Seconds for which a vault that does not answer is asked again."""
PAUSE = 0.5
LONGEST_PAUSE = 5.0
LARGEST = 4 * 2**20

_REMEDY = "see ENSUE_VAULT_ADDRESS and ENSUE_VAULT_TOKEN_PATH"


class Kv2:
    """One mount. Bounded in time and size: it answers, or raises SecretsLocked, which says why: VaultAway when it does
    not answer, or says that it cannot."""

    def __init__(self, *, address: str, mount: str, token_path: Path) -> None:
        self._address = address.rstrip("/")
        self._mount = mount.strip("/")
        self._token_path = token_path

    async def read(self, path: str) -> dict[str, Any] | None:
        """The fields of a secret in its latest version; None when there is none, or it was deleted."""
        found = await self._ask("GET", f"data/{quote(path)}")
        data = (found or {}).get("data") or {}
        fields = data.get("data")
        return fields if isinstance(fields, dict) else None

    async def names(self, path: str) -> tuple[str, ...]:
        """Of the secrets right below a path."""
        found = await self._ask("LIST", f"metadata/{quote(path)}")
        keys = ((found or {}).get("data") or {}).get("keys") or ()
        return tuple(key for key in keys if isinstance(key, str) and not key.endswith("/"))

    async def _ask(self, method: str, path: str) -> dict[str, Any] | None:
        """The answer; None for 404. A token may just be replaced, so 403 is asked again once."""
        loop, tries = asyncio.get_running_loop(), 0
        deadline = loop.time() + PATIENCE
        while True:
            status, problem, body = await self._once(method, path)
            tries += 1
            if status == 404:
                return None
            if status == 200:
                return _body(body)
            is_away = status in (0, 429) or status >= 500
            if not is_away and (status != 403 or tries > 1):
                raise SecretsLocked(f"the vault at {self._address} {problem}", remedy=_REMEDY)
            if is_away and loop.time() >= deadline:
                raise VaultAway(f"the vault at {self._address} {problem}", remedy=_REMEDY)
            await asyncio.sleep(min(PAUSE * tries, LONGEST_PAUSE))

    async def _once(self, method: str, path: str) -> tuple[int, str, bytes]:
        """Status, what is wrong with it, and the body; status 0 without an answer."""
        import httpx

        url, token = f"{self._address}/v1/{self._mount}/{path}", await self._token()
        # Packed, a short answer could be a long one.
        headers, body = {"x-vault-token": token, "accept-encoding": "identity"}, bytearray()
        try:
            async with (
                asyncio.timeout(ANSWER_SECONDS),
                httpx.AsyncClient(timeout=ANSWER_SECONDS, trust_env=False) as client,
                client.stream(method, url, headers=headers) as response,
            ):
                async for part in response.aiter_raw():
                    body += part
                    if len(body) > LARGEST:
                        raise SecretsLocked(f"the vault at {self._address} answers more than {LARGEST} bytes")
        except (httpx.HTTPError, TimeoutError) as error:
            return 0, f"does not answer: {str(error) or type(error).__name__}", b""
        return response.status_code, f"answers {response.status_code} for {self._mount}/{path}", bytes(body)

    async def _token(self) -> str:
        """Read each time: whoever renews it replaces the file."""
        try:
            return (await asyncio.to_thread(self._token_path.read_text, encoding="utf-8")).strip()
        except OSError as error:
            raise SecretsLocked(f"{self._token_path} cannot be read: {error.strerror}", remedy=_REMEDY) from None


def _body(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise SecretsLocked("the vault answers no JSON", remedy=_REMEDY)
    return found
