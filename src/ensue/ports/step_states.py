"""Port to what somebody outside told the steps of a run: relay's `spec.state.steps`."""

from collections.abc import Mapping
from typing import Final, Protocol, TypeAlias

from ensue.model.identity import Identity
from ensue.model.values import Json, Namespace, RunUid

LARGEST: Final = 65_536
"""Bytes of JSON that the state of a step may have."""

StepState: TypeAlias = Mapping[str, Json]


class StepStates(Protocol):
    """Each step of a run has one JSON object, empty until somebody tells it something. Steps whose conditions wait for
    an answer become ready with it, to look again. Steps that fan out share that of their name.

    Calls for one run are serialised by its row; what was merged is read by whoever asks after that.
    """

    async def get(self, namespace: Namespace, run: RunUid, step: str) -> StepState:
        """Empty where nothing was told, or nothing is there."""

    async def all(self, namespace: Namespace, run: RunUid) -> Mapping[str, StepState]:
        """By step; without those that were told nothing."""

    async def merge(self, namespace: Namespace, run: RunUid, step: str, given: StepState, by: Identity) -> StepState:
        """Put these keys in the place of those that there are, and answer them all; repeated, it is the same. Audited
        without the values. Raises NotFound for a run or step that is not there, Conflict for a run that has ended, and
        TooLarge."""
