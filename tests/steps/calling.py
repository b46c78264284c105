"""Calls of step types, without an engine."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ensue.model.identity import Identity
from ensue.model.run import WHOLE_STEP, Outcome, StepKey
from ensue.model.values import Namespace, RunUid
from ensue.ports.engine import Call, StepType

ANN = Identity(subject="user:ann")
NOW = datetime(2030, 1, 1, tzinfo=UTC)


async def execute(
    step_type: StepType, inputs: Mapping[str, Any], item: int = WHOLE_STEP, step: str = "s"
) -> tuple[Outcome, list[str]]:
    """The outcome, and the lines of the log."""
    lines: list[str] = []
    call = Call(
        key=StepKey(namespace=Namespace("default"), run=RunUid("r1"), step=step, item=item),
        attempt=1,
        inputs=step_type.inputs.model_validate(inputs),
        now=lambda: NOW,
        log=lines.append,
        started_by=ANN,
    )
    return await step_type.execute(call), lines
