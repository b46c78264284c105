"""Port to what runs ask of people."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from ensue.model.approval import Answer, Approval
from ensue.model.run import Run
from ensue.model.values import Json, Namespace, RunUid
from ensue.ports.store import Page


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """An approval as it is after an answer, and what followed from that."""

    approval: Approval | None
    """None: the step does not ask yet, and will see what it was told."""
    run: Run
    queued: int = 0
    """How many steps became ready."""


class Approvals(Protocol):
    """An approval is there from the moment that its step waits, and stays as long as the run is kept.

    Calls for one run are serialised by its row: of two last answers one counts.
    """

    async def list(
        self, namespace: Namespace | None, limit: int, after: str = "", *, is_open: bool = False
    ) -> Page[Approval]:
        """The latest first; with `is_open` those alone that wait."""

    async def get(self, namespace: Namespace, run: RunUid, step: str) -> Approval:
        """Raises NotFound."""

    async def answer(
        self, namespace: Namespace, run: RunUid, step: str, given: Answer, told: Mapping[str, Json]
    ) -> Answered:
        """Count an answer; the step ends when it decides. `told` is put into the step's state with it, and is kept for
        a step that does not ask yet; the word `waiting` answers nothing. Audited.

        Raises NotFound, Conflict for one that does not wait, Denied for who may not answer, InvalidInput for a form
        that is not filled in as asked."""
