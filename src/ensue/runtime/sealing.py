"""Chains the rows of the audit log, a batch at a time."""

import asyncio
import logging
from typing import Final

from ensue.ports.access import AuditLog, Tokens
from ensue.runtime.patience import forever

log = logging.getLogger("ensue.sealer")

PERIOD: Final = 1.0
BATCH: Final = 500
PRUNE_PERIOD: Final = 600.0


class Sealer:
    """Runs until cancelled, in any number of processes at once."""

    def __init__(self, *, audit: AuditLog, tokens: Tokens) -> None:
        self._audit = audit
        self._tokens = tokens

    async def run(self) -> None:
        async with asyncio.TaskGroup() as loops:
            loops.create_task(forever(self._seal, "seal the audit log", log))
            loops.create_task(forever(self._prune, "delete tokens that have expired", log))

    async def _seal(self) -> None:
        if await self._audit.seal(BATCH) < BATCH:
            await asyncio.sleep(PERIOD)

    async def _prune(self) -> None:
        await self._tokens.prune()
        await asyncio.sleep(PRUNE_PERIOD)
