"""The file with the keys of the secrets table: `ID KEY` a line, KEY in base64; the first one seals."""

import base64
import binascii
import contextlib
import fcntl
import os
import re
import secrets
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ensue.model.errors import SecretsLocked

KEY_BYTES: Final = 32
LONGEST: Final = 65536
TITLE: Final = "# The keys of Ensue's secrets: without this file they are lost. Keep a copy apart from the database.\n"

_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True, slots=True)
class Keys:
    """By id; the first one seals."""

    by_id: Mapping[str, bytes]

    @property
    def current(self) -> str:
        return next(iter(self.by_id))


def fresh() -> Keys:
    return Keys({secrets.token_hex(4): secrets.token_bytes(KEY_BYTES)})


def read(path: Path) -> Keys | None:
    """None if there is no such file. Raises SecretsLocked for one that others may read, or that holds no keys."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SecretsLocked(f"the key file {path} cannot be read: {error.strerror}") from None
    try:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode):
            raise SecretsLocked(f"the key file {path} is not a file")
        if about.st_mode & 0o077:
            remedy = f"chmod 600 {path}; if strangers were here, rotate the key and set the secrets anew"
            raise SecretsLocked(f"others than its owner may use the key file {path}", remedy=remedy)
        return _parse(path, os.read(descriptor, LONGEST + 1))
    finally:
        os.close(descriptor)


def create(path: Path, keys: Keys) -> bool:
    """False, and nothing was written, when there is such a file."""
    temporary = _write_beside(path, keys)
    try:
        # Unlike a rename it never replaces, and unlike O_EXCL on the file itself nobody sees half of it.
        os.link(temporary, path)
    except FileExistsError:
        return False
    except OSError as error:
        raise _unwritable(path, error) from None
    finally:
        temporary.unlink()
        _sync(path.parent)
    return True


def put_first(path: Path, fresh: Keys) -> None:
    """Add keys before those that are there. Servers that share the file do it one after the other."""
    with _locked(path):
        known = read(path)
        os.replace(_write_beside(path, Keys({**fresh.by_id, **(known.by_id if known else {})})), path)
        _sync(path.parent)


def _parse(path: Path, data: bytes) -> Keys:
    keys: dict[str, bytes] = {}
    for number, line in enumerate(data.decode("ascii", "replace").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        words = line.split()
        key = _key(words[1]) if len(words) == 2 else b""
        if not _ID.fullmatch(words[0]) or words[0] in keys or len(key) != KEY_BYTES:
            remedy = (
                f"a line is an id of its own, a space and {KEY_BYTES} bytes in base64; restore the file from its copy"
            )
            raise SecretsLocked(f"line {number} of the key file {path} is not a key", remedy=remedy)
        keys[words[0]] = key
    if not keys or len(data) > LONGEST:
        raise SecretsLocked(f"the key file {path} holds no keys", remedy="restore it from its copy")
    return Keys(keys)


def _key(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return b""


def _write_beside(path: Path, keys: Keys) -> Path:
    lines = [f"{key_id} {base64.b64encode(key).decode()}\n" for key_id, key in keys.by_id.items()]
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with open(descriptor, "w", encoding="ascii") as file:
            os.fchmod(descriptor, 0o600)
            file.write(TITLE + "".join(lines))
            file.flush()
            os.fsync(descriptor)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise _unwritable(path, error) from None
    return temporary


def _unwritable(path: Path, error: OSError) -> SecretsLocked:
    remedy = "let ENSUE_SECRET_KEY_FILE name a file in a directory that the server may write to"
    return SecretsLocked(f"the key file {path} cannot be written: {error.strerror}", remedy=remedy)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """The lock of the file that has this name now: one that waited may hold that of its predecessor."""
    while True:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise SecretsLocked(f"the key file {path} cannot be read: {error.strerror}") from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.path.samestat(os.fstat(descriptor), os.stat(path)):
                yield
                return
        finally:
            os.close(descriptor)


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
