"""What makes repeats of a request one: the key that its sender gave, and what was asked for with it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from ensue.core import canonical
from ensue.model.identity import Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestKey:
    """Nothing unless the sender gave a key."""

    key: str | None = None
    digest: str | None = None


def request_key(identity: Identity, key: str, asked: Sequence[object]) -> RequestKey:
    if not key:
        return RequestKey()
    return RequestKey(key=_of_sender(identity, key), digest=_digest(asked))


def _of_sender(identity: Identity, key: str) -> str:
    """A key is its sender's own: nobody can find what is another's by guessing it."""
    return hashlib.sha256(f"{identity.subject}\n{key}".encode()).hexdigest()


def _digest(asked: Sequence[object]) -> str:
    """Of all that is asked for, as it was given: what is left out differs from the same value said."""
    return hashlib.sha256(canonical.encode(asked)).hexdigest()
