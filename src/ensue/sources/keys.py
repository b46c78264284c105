"""The secrets by which senders are known, opened once and kept until they change."""

import time
from collections.abc import Sequence

from ensue.model.definition import SecretKey
from ensue.model.values import Namespace
from ensue.ports.secrets import SealedSecrets, SourceSecrets

LOOK_SECONDS = 1.0
ELSEWHERE_SECONDS = 30.0
"""What is kept elsewhere is asked for again after this."""
MOST = 1000
"""Secrets that are kept open."""
Stamp = tuple[tuple[str, str, str], ...]


class Keys:
    """Whether a secret was changed is looked up at most once a second; each opening of it is audited."""

    def __init__(self, *, table: SealedSecrets, secrets: SourceSecrets, is_kept_elsewhere: bool = False) -> None:
        self._table = table
        self._secrets = secrets
        self._is_kept_elsewhere = is_kept_elsewhere
        self._known: dict[tuple[Namespace, str], _Known] = {}

    async def read(self, namespace: Namespace, wanted: Sequence[SecretKey], source_key: str) -> list[bytes]:
        """Those that exist."""
        found = []
        for each in wanted:
            known = await self._current(namespace, each.name, source_key)
            if each.key in known.values:
                found.append(known.values[each.key])
        return found

    async def _current(self, namespace: Namespace, name: str, source_key: str) -> "_Known":
        known = self._known.get((namespace, name))
        now = time.monotonic()
        if known is not None and now - known.looked_at < LOOK_SECONDS:
            return known
        if known is not None:
            # The others go on with what is known meanwhile.
            known.looked_at = now
        stamp: Stamp = tuple(
            (each.place.key, each.key_id, each.changed_at.isoformat())
            for each in await self._table.list(namespace, name)
            if not each.place.workflow
        )
        is_old = not stamp and self._is_kept_elsewhere and known is not None and now - known.read_at > ELSEWHERE_SECONDS
        if known is None or known.stamp != stamp or is_old:
            is_asked = bool(stamp) or self._is_kept_elsewhere
            values = await self._secrets.read_for_source(namespace, name, source_key) if is_asked else {}
            known = _Known(stamp, dict(values), now)
            self._known[namespace, name] = known
            if len(self._known) > MOST:
                del self._known[next(iter(self._known))]
        known.looked_at = now
        return known


class _Known:
    def __init__(self, stamp: Stamp, values: dict[str, bytes], read_at: float) -> None:
        self.stamp = stamp
        self.read_at = read_at
        self.values = values
        self.looked_at = 0.0
