"""The vault on this machine: AES-256-GCM with the keys of a file."""

import json
import os
import secrets
from collections.abc import Collection
from pathlib import Path
from typing import Final

from ensue.model.errors import SecretsLocked
from ensue.model.secret import SecretPlace
from ensue.ports.secrets import Sealed
from ensue.vaults import key_file
from ensue.vaults.key_file import Keys

NONCE_BYTES: Final = 12
FORMAT: Final = "ensue.secret.1"

Mark = tuple[int, int, int]


class LocalVault:
    """Satisfies ports.Vault. A file that changed is read again, so that servers may share one."""

    def __init__(self, *, path: Path) -> None:
        self._path = path
        self._read: tuple[Mark, Keys] | None = None

    def prepare(self, in_use: Collection[str]) -> None:
        if in_use:
            self._keys()
        elif self._find() is None:
            # Whoever was first at the same moment has made it for all.
            key_file.create(self._path, key_file.fresh())

    def current(self) -> str:
        return self._keys().current

    def seal(self, place: SecretPlace, value: bytes) -> Sealed:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        keys = self._keys()
        nonce = secrets.token_bytes(NONCE_BYTES)
        body = AESGCM(keys.by_id[keys.current]).encrypt(nonce, value, _bound_to(place, keys.current))
        return Sealed(key_id=keys.current, nonce=nonce, body=body)

    def open(self, place: SecretPlace, sealed: Sealed) -> bytes:
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        key = self._keys().by_id.get(sealed.key_id)
        if key is None:
            message = f"the secret {place} was sealed with key {sealed.key_id}, which {self._path} does not hold"
            raise SecretsLocked(message, remedy="add the key to the file from its copy, or set the secret again")
        try:
            return AESGCM(key).decrypt(sealed.nonce, sealed.body, _bound_to(place, sealed.key_id))
        except (InvalidTag, ValueError):
            message = f"the secret {place} is not what was sealed with key {sealed.key_id}"
            raise SecretsLocked(message, remedy="its row or the key was changed: set the secret again") from None

    def renew(self) -> str:
        self._keys()
        fresh = key_file.fresh()
        key_file.put_first(self._path, fresh)
        return fresh.current

    def _keys(self) -> Keys:
        keys = self._find()
        if keys is None:
            raise SecretsLocked(
                f"the key file {self._path} is missing, and the database holds secrets",
                remedy="put it back from its copy, or let ENSUE_SECRET_KEY_FILE name the one that other servers use; "
                "without it, delete the secrets and set them again",
            )
        return keys

    def _find(self) -> Keys | None:
        try:
            about = os.stat(self._path)
        except OSError:
            # Reading says what is wrong.
            return key_file.read(self._path)
        mark = (about.st_mtime_ns, about.st_ino, about.st_mode)
        known = self._read
        if known is not None and known[0] == mark:
            return known[1]
        keys = key_file.read(self._path)
        self._read = None if keys is None else (mark, keys)
        return keys


def _bound_to(place: SecretPlace, key_id: str) -> bytes:
    """What is authenticated with the value, so that rows cannot be exchanged."""
    return json.dumps([FORMAT, place.namespace, place.workflow, place.name, place.key, key_id]).encode()
