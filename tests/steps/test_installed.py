"""What a step type is given when it is made."""

from collections.abc import Mapping
from typing import ClassVar

import pytest
from pydantic import BaseModel

from ensue import plugins, steps
from ensue.clients.outbound import Outbound
from ensue.model.definition import Strict
from ensue.model.run import Outcome, State
from ensue.ports.engine import Call


class Modest:
    """Needs nothing."""

    name: ClassVar[str] = "modest"
    inputs: ClassVar[type[BaseModel]] = Strict

    async def execute(self, call: Call) -> Outcome:
        return Outcome(state=State.SUCCEEDED)


class Greedy(Modest):
    """Needs all there is."""

    def __init__(self, *, environment: Mapping[str, str], outbound: Outbound) -> None:
        self.given = environment, outbound


def test_a_step_type_gets_what_its_constructor_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins, "load", lambda group: {"modest": Modest, "greedy": Greedy})
    monkeypatch.setenv("K_SINK", "http://sink.test")
    outbound = Outbound(public_only=False, certificates="")
    made = steps.installed(outbound)
    assert isinstance(made["modest"], Modest)
    assert isinstance(made["greedy"], Greedy)
    environment, given = made["greedy"].given
    assert given is outbound
    assert environment["K_SINK"] == "http://sink.test"


def test_http_and_emit_are_there_and_their_inputs_are_known() -> None:
    assert {"http", "emit"} <= set(steps.installed())
    known = steps.known().step_types
    assert known["http"] is not None
    assert known["emit"] is not None
