"""Step type `wait`: sleeps for a time or until one. While it sleeps it is a row, not a task."""

from typing import ClassVar, Self

from pydantic import AwareDatetime, BaseModel, Field, model_validator

from ensue.model.definition import Strict
from ensue.model.run import Outcome, Reason, State
from ensue.model.values import Duration, Json
from ensue.ports.engine import Call


class WaitInputs(Strict):
    for_: Duration | None = Field(default=None, alias="for")
    """How long."""
    until: AwareDatetime | None = None
    """Until when, as 2030-01-31T12:00:00Z."""
    event: Json = None
    """Not supported in this version."""

    @model_validator(mode="after")
    def _is_one_of_them(self) -> Self:
        if self.event is not None:
            raise ValueError("waiting for an event is not supported in this version")
        if (self.for_ is None) == (self.until is None):
            raise ValueError("give either `for` or `until`")
        return self


class WaitStep:
    name: ClassVar[str] = "wait"
    inputs: ClassVar[type[BaseModel]] = WaitInputs

    async def execute(self, call: Call) -> Outcome:
        assert isinstance(call.inputs, WaitInputs)
        # Whether it is time is for the store's clock to say; this machine's may be wrong.
        return Outcome(state=State.WAITING, reason=Reason.TIMER, until=call.inputs.until, delay=call.inputs.for_)
