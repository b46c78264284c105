"""What begins when a trigger fires: the workflow that its one action names, or its actions as steps. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from ensue.core import canonical, checking_parameters, permitting, supporting
from ensue.core.graph import Graph
from ensue.expr import interface, relay
from ensue.model.errors import Denied, Problem, Severity
from ensue.model.identity import Identity
from ensue.model.kinds import DIALECTS
from ensue.model.run import Reason
from ensue.model.trigger import Trigger
from ensue.model.values import DefinitionHash, Json, Namespace
from ensue.model.workflow import Step, Workflow

_OF_START = frozenset({"name", "type", "workflow", "parameters", "with_"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why what begins ends at once."""

    reason: Reason
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """The parameters that an event gives a workflow."""

    parameters: Mapping[str, Json] = field(default_factory=dict)
    """With a failure too, those that could be evaluated."""
    failure: Failure | None = None
    note: str = ""
    """Which defaults are taken for want of a field."""


def start_of(trigger: Trigger) -> Step | None:
    """The one action that has nothing but the name of a workflow and its parameters; in relay's dialect a `when`
    that reads `event` alone may stand beside them, and decides about the event."""
    actions = trigger.spec.actions
    if len(actions) != 1 or actions[0].workflow is None or actions[0].kind != "workflow":
        return None
    known = _OF_START | {"when"} if _is_of_event(trigger, actions[0].when) else _OF_START
    return actions[0] if actions[0].model_dump(exclude_defaults=True).keys() <= known else None


def _is_of_event(trigger: Trigger, when: Sequence[Json]) -> bool:
    """Whether conditions can be told before there is a run, without its secrets, parameters and steps."""
    flavour = relay.of(trigger.api_version, trigger.compat)
    return flavour.is_relay and all(root == "event" for root, *_ in relay.refs(list(when), flavour))


def target(trigger: Trigger, action: Step, scope: interface.Scope) -> str | Failure:
    """The name of the workflow to run; one that is computed from the event must be allowed."""
    name = action.workflow or ""
    flavour = relay.of(trigger.api_version, trigger.compat)
    if not relay.has_expressions(name):
        return name
    value, error = _evaluate(name, scope, flavour)
    if error or not isinstance(value, str):
        return Failure(reason=Reason.INVALID_PARAMETERS, message=f"workflow: {error or f'{value!r} is no name'}")
    if not any(fnmatchcase(value, pattern) for pattern in trigger.spec.allow.workflows):
        message = f"the workflow {value} is computed from the event, and no pattern of spec.allow.workflows allows it"
        return Failure(reason=Reason.NOT_ALLOWED, message=message)
    return value


def bind(trigger: Trigger, action: Step, built: Graph, scope: interface.Scope) -> Given:
    """The parameters of the workflow, evaluated and checked."""
    if failure := unsupported(built):
        return Given(failure=failure)
    flavour = relay.of(trigger.api_version, trigger.compat)
    with_defaults = _defaults(built.workflow, flavour)
    given: dict[str, Json] = {}
    errors, notes = [], []
    for name, text in action.parameters.items():
        value, error = _evaluate(text, scope, flavour)
        if not error:
            given[name] = value
        elif name in with_defaults and (lacking := relay.lacking(text, scope, flavour)):
            notes.append(f"the event has no {lacking}: the default of the parameter {name} is taken")
        else:
            errors.append(f"parameters.{name}: {error}")
    if not errors:
        given, problems = checking_parameters.check_parameters(built.workflow, given)
        errors = [sentence(one) for one in problems if one.severity is Severity.ERROR]
    if errors:
        return Given(parameters=given, failure=Failure(reason=Reason.INVALID_PARAMETERS, message="; ".join(errors)))
    return Given(parameters=given, note="; ".join(notes))


def _defaults(workflow: Workflow, flavour: relay.Flavour) -> frozenset[str]:
    """The parameters whose defaults stand where the event lacks a field, as in relay's files."""
    if not flavour.is_relay or flavour.is_strict or workflow.compat == "strict":
        return frozenset()
    return frozenset(one.name for one in workflow.spec.parameters if one.has_default)


def sentence(problem: Problem) -> str:
    """Without a remedy that is for people at a terminal."""
    message, remedy = problem.message, problem.remedy
    return message if not remedy or "-p " in remedy else f"{message} ({remedy})"


def _evaluate(value: Json, scope: interface.Scope, flavour: relay.Flavour) -> tuple[Json, str]:
    result = relay.evaluate(value, scope, flavour)
    return (result.value, "") if isinstance(result, interface.Value) else (None, interface.reason(result))


def actions_body(trigger: Trigger) -> dict[str, Json]:
    """The actions as a workflow: each after the one before, unless it says itself what it comes after."""
    steps: list[Json] = []
    before = ""
    for action in trigger.spec.actions:
        step = action.model_dump(mode="json", by_alias=True, exclude_unset=True)
        step["name"] = action.name
        if before and not action.depends_on:
            step["dependsOn"] = [{"step": before, "on": ["succeeded"]}]
        steps.append(step)
        before = action.name
    spec: dict[str, Json] = {"steps": steps}
    if trigger.spec.allow.model_fields_set:
        spec["allow"] = trigger.spec.allow.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return {
        "apiVersion": trigger.api_version,
        "kind": "Workflow",
        "metadata": {"name": trigger.metadata.name},
        "spec": spec,
    }


def denied(applier: Identity, namespace: Namespace, name: str) -> Failure | None:
    """Why the one who applied a trigger, as whom it acts, may not start what it starts."""
    try:
        permitting.require(applier, "start", "Run", namespace, name)
    except Denied as error:
        return Failure(reason=Reason.NOT_ALLOWED, message=f"the trigger acts as who applied it, and {error}")
    return None


def hash_of(body: Mapping[str, Json]) -> DefinitionHash:
    return canonical.definition_hash(body, DIALECTS[str(body["apiVersion"])])


def unsupported(built: Graph) -> Failure | None:
    """What of a workflow this version cannot do."""
    problems = list(supporting.missing(built.workflow))
    return Failure(reason=Reason.UNSUPPORTED, message="; ".join(one.message for one in problems)) if problems else None
