"""Checks of the expressions in a definition, without evaluating them: what they name must exist where they stand."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ensue.core import graph, placing
from ensue.core.checking_paths import Path, render
from ensue.expr import relay
from ensue.expr.interface import Error
from ensue.expr.spelling import did_you_mean
from ensue.model.errors import Problem, Severity
from ensue.model.values import Json
from ensue.model.workflow import Step, WorkflowSpec

_RUN = frozenset({"parameters", "run", "outputs", "steps"})
_GUARDED = frozenset({"secrets", "connections", "credentials"})
_NATIVE = frozenset({"credentials"})
"""What relay's dialect has not."""
_FAN_OUT = frozenset({"matrix", "item", "index"})
_ANSWERS = "answers"
"""What tagged objects alone can name."""
_EVENT = frozenset({"event"})
_GUARDED_FIELDS = frozenset({"env", "spec", "with"})
_READ_LATER = frozenset({"env", "spec"})
_PLACES = frozenset({"engine", "requires"})
_OF_RUN = frozenset({"name", "id", "state", "startedBy"})
_OF_STEPS = frozenset({"succeeded", "failed", "skipped", "state", "exitCode"})
_OF_STEP = frozenset({"exitCode", "reason", "attempt"})
_ALL = _RUN | _GUARDED | _FAN_OUT | _EVENT | {"step"}
_WHERE = {
    **dict.fromkeys(_GUARDED, "only in env, spec and with"),
    **dict.fromkeys(_FAN_OUT, "only in steps with matrix or foreach"),
    **dict.fromkeys(_EVENT, "only in a trigger's actions and in the steps of runs that an event started"),
    "step": "only in retry.when",
}
_WHERE_RELAY = {**_WHERE, **dict.fromkeys(_GUARDED, "only in env, spec, with and when")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What an expression may name besides the roots that its field allows."""

    flavour: relay.Flavour
    parameters: Collection[str] = ()
    steps: Collection[str] = ()
    """The steps whose outputs and states can be known."""
    later: Collection[str] = ()
    """The steps that have not begun when these expressions are evaluated."""


def check_workflow(spec: WorkflowSpec, flavour: relay.Flavour) -> Iterator[Problem]:
    mains, finals = [step.name for step in spec.steps], [step.name for step in spec.finally_]
    parameters = [parameter.name for parameter in spec.parameters]
    around = Surroundings(flavour=flavour, parameters=parameters, steps=mains, later=finals)
    after = Surroundings(flavour=flavour, parameters=parameters, steps=[*mains, *finals])
    for part, steps, inside in (("steps", spec.steps, around), ("finally", spec.finally_, after)):
        for index, step in enumerate(steps):
            yield from check_step(step, ("spec", part, index), inside)
    defaults = spec.defaults
    fields: dict[str, Json] = {"env": defaults.env, "requires": dict(defaults.requires), "engine": defaults.engine}
    for name, value in fields.items():
        allowed = _RUN | _EVENT | _FAN_OUT | _GUARDED if name == "env" else placing.ROOTS
        yield from check(value, ("spec", "defaults", name), allowed, after)
    if spec.concurrency is not None:
        path: Path = ("spec", "concurrency", "group")
        yield from check(spec.concurrency.group, path, frozenset({"parameters", "run", "event"}), around)
    for index, output in enumerate(spec.outputs):
        yield from check(output.value, ("spec", "outputs", index, "value"), _RUN, after)


def check_actions(actions: Sequence[Step], flavour: relay.Flavour) -> Iterator[Problem]:
    """Of a trigger. Its run has no parameters."""
    around = Surroundings(flavour=flavour, steps=[step.name for step in actions])
    for index, step in enumerate(actions):
        yield from check_step(step, ("spec", "actions", index), around)


def check_step(step: Step, path: Path, around: Surroundings) -> Iterator[Problem]:
    fans_out = step.matrix is not None or step.foreach is not None
    for field, value in graph.expressions(step):
        if not value:
            continue
        allowed = placing.ROOTS if field[0] in _PLACES else _RUN | _EVENT
        if fans_out and field[0] not in ("matrix", "foreach", *_PLACES):
            allowed |= _FAN_OUT
        if field[0] in _GUARDED_FIELDS or (field[0] == "when" and around.flavour.is_relay):
            allowed |= _GUARDED
        if field == ("retry", "when"):
            allowed |= {"step"}
        yield from check(value, (*path, *field), allowed, around, own=step.name)
        yield from _check_axes(step, value, (*path, *field), around)


def check(value: Json, path: Path, allowed: Collection[str], around: Surroundings, own: str = "") -> Iterator[Problem]:
    """The findings in one field; `own` is the step that it belongs to."""
    for finding in relay.findings(value, around.flavour):
        where = render((*path, *finding.path))
        if isinstance(finding.what, relay.Mention) and finding.what.root == _ANSWERS and finding.what.position < 0:
            yield from _check_answer(finding.what, path, where, around)
            continue
        for problem in _problems(finding.what, path, where, allowed, around, own):
            text = _text_at(value, finding.path)
            yield replace(problem, message=at(problem.message, finding.what.position, text))
    for keys, error in relay.failing(value, around.flavour):
        message = at(error.message, error.position, _text_at(value, keys))
        yield Problem(message=message, path=render((*path, *keys)), severity=_of_failure(path, around.flavour))


def _of_failure(path: Path, flavour: relay.Flavour) -> Severity:
    """Of what fails once it is evaluated. relay starts a step whose spec says so: who reads that key is told."""
    is_tolerated = flavour.is_strict or (flavour.is_relay and path[-1] in _READ_LATER)
    return Severity.WARNING if is_tolerated else Severity.ERROR


def _of_unknown(path: Path, flavour: relay.Flavour) -> Severity:
    """Of a function that is not there. What a trigger of relay's asks for in vain leaves the workflow as it is."""
    is_of_trigger = flavour.is_relay and path[1] == "actions"
    return Severity.WARNING if is_of_trigger else _of_failure(path, flavour)


def _problems(
    what: relay.Mention | relay.Called | Error,
    path: Path,
    where: str,
    allowed: Collection[str],
    around: Surroundings,
    own: str,
) -> Iterator[Problem]:
    match what:
        case Error(message, position):
            # relay takes a file whose tagged object lacks something: the step that reads it is told.
            is_lenient = around.flavour.is_relay and position < 0
            yield Problem(message=message, path=where, severity=Severity.WARNING if is_lenient else Severity.ERROR)
        case relay.Called():
            yield from _check_call(what, path, where, around.flavour)
        case relay.Mention():
            yield from _check_mention(what, where, allowed, around, own)


def _check_call(called: relay.Called, path: Path, where: str, flavour: relay.Flavour) -> Iterator[Problem]:
    if called.name not in relay.FUNCTIONS:
        remedy = did_you_mean(called.name, relay.FUNCTIONS) or f"the functions are {', '.join(relay.FUNCTIONS)}"
        message, severity = f'there is no function "{called.name}"', _of_unknown(path, flavour)
        yield Problem(message=message, remedy=remedy, path=where, severity=severity)
    elif (miscall := relay.miscall(called)) is not None:
        is_lenient = flavour.is_relay and miscall.is_harmless
        severity = Severity.WARNING if is_lenient else _of_failure(path, flavour)
        yield Problem(message=miscall.message, remedy=miscall.remedy, path=where, severity=severity)


def at(message: str, position: int, text: str) -> str:
    """With the place inside the text. A tagged object has a place in the file but none in a text."""
    if position < 0:
        return message
    start = text.rfind("\n", 0, position) + 1
    line = f"line {text.count(chr(10), 0, position) + 1}, " if start else ""
    return f"{message} at {line}character {position - start + 1}"


def _text_at(value: Json, path: Sequence[str | int]) -> str:
    for key in path:
        value = value[key]  # type: ignore[index]
    return value if isinstance(value, str) else ""


def _check_mention(
    mention: relay.Mention, where: str, allowed: Collection[str], around: Surroundings, own: str
) -> Iterator[Problem]:
    root = mention.root
    if around.flavour.is_relay:
        allowed = frozenset(allowed) - _NATIVE
    if root not in _ALL or (around.flavour.is_relay and root in _NATIVE):
        if root or (mention.is_whole and not around.flavour.is_strict):
            message = f'there is no "{root}" to refer to' if root else "`$` is everything, secrets included"
            known = _ALL - _NATIVE if around.flavour.is_relay else _ALL
            remedy = did_you_mean(root, sorted(known)) or f"one of {', '.join(sorted(allowed))}"
            yield Problem(message=message, remedy=remedy, path=where)
    elif root not in allowed:
        where_else = _WHERE_RELAY if around.flavour.is_relay else _WHERE
        remedy = where_else.get(root, f"here there are {', '.join(sorted(allowed))}")
        yield Problem(message=f'"{root}" cannot be used here', remedy=remedy, path=where)
    elif _is_of_many(mention) and not around.flavour.is_strict:
        message = f"{'.'.join((root, *mention.names))}{'' if mention.is_whole else '[…]'} cannot be read all at once"
        yield Problem(message=message, remedy="name the one that is meant", path=where)
    elif mention.names:
        yield from _check_name(mention, where, around, own)


def _is_of_many(mention: relay.Mention) -> bool:
    """Of what is guarded a step gets what it names: a connection by its type and its name, be they computed."""
    return mention.root in _GUARDED and mention.length < (2 if mention.root == "connections" else 1)


def _check_answer(mention: relay.Mention, path: Path, where: str, around: Surroundings) -> Iterator[Problem]:
    if path[-1] != "when" or path[-2:] == ("retry", "when"):
        # A step that asks for its spec is given null for it; any other field cannot be known, ever.
        is_lenient = path[-1] == "spec" or around.flavour.is_strict
        yield Problem(
            message="an Answer is known in conditions (`when`) alone",
            remedy="a step reads what it was told itself with `ensue step state KEY`",
            path=where,
            severity=Severity.WARNING if is_lenient else Severity.ERROR,
        )
    elif mention.names and mention.names[0] not in (*around.steps, *around.later):
        name = mention.names[0]
        remedy = did_you_mean(name, around.steps) or "it can still be told something"
        yield Problem(message=f'there is no step "{name}"', remedy=remedy, path=where, severity=Severity.WARNING)


def _check_name(mention: relay.Mention, where: str, around: Surroundings, own: str) -> Iterator[Problem]:
    root, name = mention.root, mention.names[0]
    # relay takes parameters that nobody declared; of a step that is not there nothing can ever be known.
    is_lenient = around.flavour.is_relay and (root == "parameters" or around.flavour.is_strict)
    severity = Severity.WARNING if is_lenient else Severity.ERROR
    if root == "parameters" and name not in around.parameters:
        message, remedy = f'there is no parameter "{name}"', did_you_mean(name, around.parameters)
        remedy = remedy or "declare it under spec.parameters"
        yield Problem(message=message, remedy=remedy, path=where, severity=severity)
    elif root in ("outputs", "steps") and name not in around.steps:
        is_later = name in around.later
        message = f'"{name}" is a step of finally, which runs later' if is_later else f'there is no step "{name}"'
        remedy = "" if is_later else did_you_mean(name, around.steps)
        yield Problem(message=message, remedy=remedy, path=where, severity=severity)
    elif root == "outputs" and name == own:
        message = f'the step "{name}" has no outputs before it has ended'
        yield Problem(message=message, path=where, severity=severity)
    else:
        yield from _check_property(mention, where)


_PROPERTIES: Mapping[str, tuple[int, frozenset[str]]] = {
    "run": (0, _OF_RUN), "step": (0, _OF_STEP), "steps": (1, _OF_STEPS),
}  # fmt: skip


def _check_property(mention: relay.Mention, where: str) -> Iterator[Problem]:
    place, known = _PROPERTIES.get(mention.root, (0, frozenset[str]()))
    if known and len(mention.names) > place and mention.names[place] not in known:
        name = mention.names[place]
        remedy = did_you_mean(name, sorted(known)) or f"one of {', '.join(sorted(known))}"
        owner = ".".join((mention.root, *mention.names[:place]))
        yield Problem(message=f'{owner} has no "{name}"', remedy=remedy, path=where)


def _check_axes(step: Step, value: Json, path: Path, around: Surroundings) -> Iterator[Problem]:
    """A matrix has the axes and the keys of what is included."""
    if step.matrix is None or path[-1] == "matrix":
        return
    axes = [*step.matrix.axes, *(key for one in step.matrix.include for key in one)]
    for finding in relay.findings(value, around.flavour):
        what = finding.what
        if isinstance(what, relay.Mention) and what.root == "matrix" and what.names and what.names[0] not in axes:
            message = f'the matrix has no axis "{what.names[0]}"'
            remedy = did_you_mean(what.names[0], axes) or f"one of {', '.join(dict.fromkeys(axes))}"
            where = render((*path, *finding.path))
            yield Problem(message=at(message, what.position, _text_at(value, finding.path)), remedy=remedy, path=where)
