"""The built-in step types: one class in one file each, registered by entry point as those of others are."""

from ensue import plugins
from ensue.core.checking import Known
from ensue.ports.engine import StepType


def installed() -> dict[str, StepType]:
    """The inline step types there are, by name."""
    return {name: step_type() for name, step_type in plugins.load(plugins.STEP_TYPES).items()}


def known() -> Known:
    """What is installed, for checking definitions."""
    from ensue.steps.run import RunInputs

    inputs = {name: step_type.inputs for name, step_type in installed().items()}
    return Known(step_types={**inputs, "run": RunInputs})
