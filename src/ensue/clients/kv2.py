"""Reads a vault that speaks version 2 of Vault's key-value API."""

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ensue.model.errors import SecretsLocked

ANSWER_SECONDS = 10.0
TRIES = 3
PAUSE = 0.5
LARGEST = 4 * 2**20

_REMEDY = "see ENSUE_VAULT_ADDRESS and ENSUE_VAULT_TOKEN_PATH"


class Kv2:
    """One mount. Bounded in time and size: it answers, or raises SecretsLocked, which says why."""

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
        import httpx

        problem = ""
        for attempt in range(TRIES):
            await asyncio.sleep(PAUSE * attempt)
            try:
                async with httpx.AsyncClient(timeout=ANSWER_SECONDS, trust_env=False) as client:
                    url = f"{self._address}/v1/{self._mount}/{path}"
                    response = await client.request(method, url, headers={"x-vault-token": await self._token()})
            except httpx.HTTPError as error:
                problem = f"does not answer: {str(error) or type(error).__name__}"
                continue
            if response.status_code == 404:
                return None
            if response.status_code == 200 and len(response.content) <= LARGEST:
                return _body(response)
            problem = f"answers {response.status_code}"
            if response.status_code < 500 and response.status_code not in (403, 429):
                break
        raise SecretsLocked(f"the vault at {self._address} {problem}", remedy=_REMEDY)

    async def _token(self) -> str:
        """Read each time: whoever renews it replaces the file."""
        try:
            return (await asyncio.to_thread(self._token_path.read_text, encoding="utf-8")).strip()
        except OSError as error:
            raise SecretsLocked(f"{self._token_path} cannot be read: {error.strerror}", remedy=_REMEDY) from None


def _body(response: Any) -> dict[str, Any]:
    try:
        found = response.json()
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise SecretsLocked("the vault answers no JSON", remedy=_REMEDY)
    return found
