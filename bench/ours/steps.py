"""Two step types, registered as a third party's are: by the entry points in `plugin`, which is on the path."""

from ensue.model.definition import Strict
from ensue.model.run import Outcome, State
from ensue.ports.engine import Call


class NoInputs(Strict):
    pass


class NothingStep:
    """Returns a value, as the steps of the peers do."""

    name = "nothing"
    inputs = NoInputs

    async def execute(self, call: Call) -> Outcome:
        return Outcome(state=State.SUCCEEDED, outputs={"text": "a"})


class FiboInputs(Strict):
    n: int


class FiboStep:
    name = "fibo"
    inputs = FiboInputs

    async def execute(self, call: Call) -> Outcome:
        assert isinstance(call.inputs, FiboInputs)
        return Outcome(state=State.SUCCEEDED, outputs={"value": fibo(call.inputs.n)})


def fibo(n: int) -> int:
    return n if n < 2 else fibo(n - 1) + fibo(n - 2)
