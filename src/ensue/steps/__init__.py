"""The built-in step types: one class in one file each, registered by entry point as those of others are."""

import inspect
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ensue import plugins
from ensue.core.checking import Known
from ensue.ports.engine import StepType

if TYPE_CHECKING:
    from ensue.clients.outbound import Outbound
    from ensue.ports.intake import LetIn


def installed(outbound: "Outbound | None" = None, let_in: "LetIn | None" = None) -> dict[str, StepType]:
    """The inline step types there are, by name. Each is given what its constructor names, of `outbound`, `let_in`
    and `environment`."""
    from ensue.clients.outbound import Outbound

    offers = {
        "outbound": outbound or Outbound(public_only=False, certificates=""),
        "let_in": let_in,
        "environment": os.environ,
    }
    return {name: _made(step_type, offers) for name, step_type in plugins.load(plugins.STEP_TYPES).items()}


def _made(step_type: Callable[..., StepType], offers: dict[str, Any]) -> StepType:
    named = inspect.signature(step_type).parameters
    return step_type(**{name: offer for name, offer in offers.items() if name in named})


def known() -> Known:
    """What is installed, for checking definitions."""
    from ensue.steps.container import ContainerInputs, RunInputs

    inputs = {name: step_type.inputs for name, step_type in plugins.load(plugins.STEP_TYPES).items()}
    return Known(
        step_types={**inputs, "run": RunInputs, "container": ContainerInputs}, source_types=plugins.source_settings()
    )
