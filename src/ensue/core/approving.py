"""Whether a person may answer, what the answers together mean, and how the step ends by them. Pure."""

from collections.abc import Mapping, Sequence

from ensue.core import checking_parameters
from ensue.expr.spelling import did_you_mean
from ensue.model.approval import Answer
from ensue.model.errors import Conflict, Denied, InvalidInput
from ensue.model.identity import Identity, Refused
from ensue.model.run import Outcome, Reason, Run, State
from ensue.model.values import Json
from ensue.model.workflow import Approval, ParameterType, Step, Workflow

APPROVED = "approved"
WAITING = "waiting"
STATE_KEY = "approval"
"""relay's: the key of a step's state that answers it."""
LONGEST_REASON = 1024
IN_FORM = "give it in `form`: "


def decide(
    asked: Approval, run: Run, answers: Sequence[Answer], given: Answer, *, rejected: State = State.FAILED
) -> Outcome | None:
    """How the step ends by one more answer; None while more are needed. Raises Denied, Conflict, InvalidInput."""
    _require_named(asked, run, given)
    if any(each.by.subject == given.by.subject for each in answers):
        raise Conflict(f"{given.by.subject} has approved this already; another person must")
    if len(given.reason) > LONGEST_REASON:
        raise InvalidInput(f"the reason is longer than {LONGEST_REASON} characters")
    if not given.is_approval:
        why = f": {given.reason}" if given.reason else ""
        message = f"rejected by {given.by.subject}{why}"
        return Outcome(state=rejected, reason=Reason.REJECTED, message=message, can_retry=False)
    _check_form(asked, given.form)
    everyone = [*answers, given]
    if len(everyone) < asked.min_approvals:
        return None
    return Outcome(state=State.SUCCEEDED, outputs=outputs(asked, everyone))


def outputs(asked: Approval, answers: Sequence[Answer]) -> dict[str, Json]:
    """What the form was filled in with, later answers over earlier ones, and who approved."""
    found: dict[str, Json] = {name: schema["default"] for name, schema in asked.form.items() if "default" in schema}
    for answer in answers:
        found |= answer.form
    return {**found, "approvedBy": [answer.by.subject for answer in answers]}


def required(asked: Approval) -> tuple[str, ...]:
    """The values of the form without which nobody can approve."""
    return tuple(name for name, schema in asked.form.items() if schema.get("required") is True)


def is_anyones(asked: Approval) -> bool:
    """Whether one answer of whoever may approve ends the step, so that it can be given before the step asks."""
    return not (asked.approvers or asked.not_starter or asked.form) and asked.min_approvals == 1


def require_early(asked: Approval, run: Run, step: str, word: Json) -> None:
    """Raises Conflict where an answer has to be judged by the step."""
    if word != WAITING and not is_anyones(asked):
        raise Conflict(
            f"step {step} of run {run.name} does not ask now, and wants certain people or more than a word",
            remedy=f"answer once `ensue get approvals` lists {run.name}.{step}",
        )


def is_word(workflow: Workflow, step: Step, given: Mapping[str, Json]) -> bool:
    """Whether what a step is told answers it, or takes back what did: in relay's files alone."""
    return workflow.api_version.startswith("relay.sh/") and step.approval is not None and STATE_KEY in given


def told(asked: Approval, state: Mapping[str, Json], rejected: State) -> Outcome | None:
    """How the step ends by what it was told beforehand, in relay's way: anything but `approved` rejects it."""
    word = state.get(STATE_KEY, WAITING)
    if word == WAITING or not is_anyones(asked):
        return None
    if word == APPROVED:
        return Outcome(state=State.SUCCEEDED)
    return Outcome(state=rejected, reason=Reason.REJECTED, message="rejected", can_retry=False)


def is_named(asked: Approval, by: Identity) -> bool:
    """Whether the step lets this person answer."""
    names = {by.subject, *(f"group:{group}" for group in by.groups)}
    return not asked.approvers or not names.isdisjoint(asked.approvers)


def _require_named(asked: Approval, run: Run, given: Answer) -> None:
    about = Refused(identity=given.by, verb="approve", kind="Approval", namespace=run.namespace, name=run.name)
    if not is_named(asked, given.by):
        raise Denied(
            f"{given.by.subject} is not among the approvers of this step",
            remedy=f"ask one of {', '.join(asked.approvers)}",
            refused=about,
        )
    if asked.not_starter and given.is_approval and given.by.subject == run.started_by.subject:
        raise Denied(
            f"{given.by.subject} started the run, and this step wants another person", remedy="ask one", refused=about
        )


def _check_form(asked: Approval, given: Mapping[str, Json]) -> None:
    for name in given:
        if name not in asked.form:
            remedy = did_you_mean(name, asked.form) or f"it asks for {', '.join(asked.form) or 'nothing'}"
            raise InvalidInput(f'the form has no "{name}"', remedy=remedy)
    needed = required(asked)
    for name, schema in asked.form.items():
        if name not in given:
            if name in needed:
                raise InvalidInput(f'the form asks for "{name}"', remedy=f"{IN_FORM}{name}=…")
            continue
        _check_value(name, schema, given[name])


def _check_value(name: str, schema: Mapping[str, Json], value: Json) -> None:
    kind = schema.get("type", "any")
    if kind in set(ParameterType) and not checking_parameters.fits(ParameterType(str(kind)), value):
        raise InvalidInput(f'"{name}" must be {checking_parameters.NOUNS[ParameterType(str(kind))]}')
    choices = schema.get("enum")
    if isinstance(choices, list) and value not in choices:
        raise InvalidInput(f'"{name}" must be one of {", ".join(map(str, choices))}')
