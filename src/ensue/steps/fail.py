"""Step type `fail`: fails, on purpose."""

from typing import ClassVar

from pydantic import BaseModel

from ensue.model.definition import Strict
from ensue.model.run import Outcome, Reason, State
from ensue.ports.engine import Call


class FailInputs(Strict):
    message: str = ""
    """Why."""


class FailStep:
    name: ClassVar[str] = "fail"
    inputs: ClassVar[type[BaseModel]] = FailInputs

    async def execute(self, call: Call) -> Outcome:
        assert isinstance(call.inputs, FailInputs)
        message = call.inputs.message or "failed on purpose"
        call.log(message)
        return Outcome(state=State.FAILED, reason=Reason.ERROR, message=message, can_retry=False)
