"""Step type `set-status`: says what the run will end as; the run goes on."""

from enum import StrEnum
from typing import ClassVar

from pydantic import BaseModel

from ensue.model.definition import Strict
from ensue.model.run import Outcome, State
from ensue.ports.engine import Call


class Status(StrEnum):
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class SetStatusInputs(Strict):
    state: Status
    """What the run will end as."""
    message: str = ""
    """Why."""


class SetStatusStep:
    name: ClassVar[str] = "set-status"
    inputs: ClassVar[type[BaseModel]] = SetStatusInputs

    async def execute(self, call: Call) -> Outcome:
        assert isinstance(call.inputs, SetStatusInputs)
        ends_as = State.SUCCEEDED if call.inputs.state is Status.SUCCEEDED else State.FAILED
        return Outcome(state=State.SUCCEEDED, ends_as=ends_as, ends_message=call.inputs.message)
