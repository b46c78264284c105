"""Step type `log`: writes a line into the step's log."""

from enum import StrEnum
from typing import ClassVar

from pydantic import BaseModel

from ensue.model.definition import Strict
from ensue.model.run import Outcome, State
from ensue.ports.engine import Call


class Level(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogInputs(Strict):
    message: str
    """What to write."""
    level: Level = Level.INFO
    """How much it matters."""


class LogStep:
    name: ClassVar[str] = "log"
    inputs: ClassVar[type[BaseModel]] = LogInputs

    async def execute(self, call: Call) -> Outcome:
        assert isinstance(call.inputs, LogInputs)
        level = call.inputs.level
        call.log(call.inputs.message if level is Level.INFO else f"{level.value}: {call.inputs.message}")
        return Outcome(state=State.SUCCEEDED)
