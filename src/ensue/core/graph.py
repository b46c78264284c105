"""A workflow as the planner sees it: nodes with their edges, defaults applied. Cached by definition hash."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from ensue.expr import relay
from ensue.model.run import State
from ensue.model.values import Json
from ensue.model.workflow import Defaults, On, Step, Workflow

INLINE_TYPES = frozenset({"log", "fail", "set-status", "wait", "http", "emit", "approval", "workflow"})

_ENDS: dict[On, frozenset[State]] = {
    On.SUCCEEDED: frozenset({State.SUCCEEDED}),
    On.FAILED: frozenset({State.FAILED, State.TIMED_OUT}),
    On.SKIPPED: frozenset({State.SKIPPED}),
    On.CANCELLED: frozenset({State.CANCELLED}),
    On.TIMEDOUT: frozenset({State.TIMED_OUT}),
    On.ANY: frozenset({State.SUCCEEDED, State.FAILED, State.TIMED_OUT, State.SKIPPED, State.CANCELLED}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One step of the definition. `needs` maps a dependency to the ends that satisfy it."""

    step: Step
    position: int
    engine: str
    selector: str
    needs: dict[str, frozenset[State]]
    dependants: tuple[str, ...]
    is_finally: bool

    @property
    def name(self) -> str:
        return self.step.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    workflow: Workflow
    nodes: dict[str, Node]
    mains: tuple[str, ...]
    finals: tuple[str, ...]
    has_timers: bool
    has_computed_places: bool
    """Some step's engine or required labels are expressions."""


def build(workflow: Workflow) -> Graph:
    """The graph of a workflow that `checking` found no error in."""
    spec, flavour = workflow.spec, relay.of(workflow.api_version, workflow.compat)
    mains = [with_defaults(step, spec.defaults) for step in spec.steps]
    finals = [with_defaults(step, spec.defaults) for step in spec.finally_]
    names = {step.name for step in mains}
    needs = {step.name: needs_of(step, names, flavour) for step in mains}
    final_names = {step.name for step in finals}
    needs |= {step.name: needs_of(step, final_names, flavour) for step in finals}
    dependants: dict[str, list[str]] = {name: [] for name in needs}
    for name, wanted in needs.items():
        for dependency in wanted:
            dependants[dependency].append(name)
    nodes = {
        step.name: Node(
            step=step,
            position=position,
            engine=engine_of(step),
            selector=selector_of(step.requires),
            needs=needs[step.name],
            dependants=tuple(dependants[step.name]),
            is_finally=position >= len(mains),
        )
        for position, step in enumerate([*mains, *finals])
    }
    return Graph(
        workflow=workflow,
        nodes=nodes,
        mains=tuple(step.name for step in mains),
        finals=tuple(step.name for step in finals),
        has_timers=spec.timeout is not None or any(_has_timer(step) for step in (*mains, *finals)),
        has_computed_places=any(
            relay.has_expressions([node.engine, *node.step.requires.values()]) for node in nodes.values()
        ),
    )


def _has_timer(step: Step) -> bool:
    is_timed = step.kind == "workflow" and step.timeout is not None
    is_timed = is_timed or (step.approval is not None and step.approval.expires is not None)
    return is_timed or step.pending_timeout is not None or step.kind == "wait"


def engine_of(step: Step) -> str:
    if step.kind in INLINE_TYPES:
        return "inline"
    return step.engine or ("container" if step.image else "process")


_WITHOUT_IMAGES = frozenset({"inline", "process", "ssh"})


def selector_of(labels: Mapping[str, str]) -> str:
    """Labels as one canonical text."""
    return ",".join(f"{_escaped(key)}={_escaped(value)}" for key, value in sorted(labels.items()))


def labels_of(selector: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in selector.split(",")) if selector else ()
    return {unquote(key): unquote(value) for key, _, value in pairs}


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace(",", "%2C").replace("=", "%3D")


def with_defaults(step: Step, defaults: Defaults) -> Step:
    given = step.model_fields_set
    update: dict[str, object] = {}
    for field in ("engine", "timeout", "pending_timeout", "shell", "retry", "on_lost"):
        value = getattr(defaults, field)
        if field not in given and value not in (None, "") and not (step.image and value in _WITHOUT_IMAGES):
            update[field] = value
    if defaults.env:
        update["env"] = {**defaults.env, **step.env}
    if defaults.requires:
        update["requires"] = {**defaults.requires, **step.requires}
    return step.model_copy(update=update) if update else step


def needs_of(step: Step, names: Collection[str], flavour: relay.Flavour = relay.NATIVE) -> dict[str, frozenset[State]]:
    """The dependencies that are written down, and those implied by the outputs that the step reads. In relay's files a
    `when` that asks how a step ended takes any end of it: what is not mentioned must have succeeded."""
    needs: dict[str, frozenset[State]] = {}
    for dependency in step.depends_on:
        ends = frozenset().union(*(_ENDS[on] for on in dependency.on))
        needs[dependency.step] = needs.get(dependency.step, frozenset()) | ends
    for name in _outputs_read(step, flavour):
        if name in names and name != step.name:
            needs.setdefault(name, _ENDS[On.SUCCEEDED])
    if flavour.is_relay:
        asked = _names(relay.refs(list(step.when), flavour), "steps")
        needs |= {name: _ENDS[On.ANY] for name in asked if name in names and name != step.name}
    return needs


def _outputs_read(step: Step, flavour: relay.Flavour) -> Iterable[str]:
    # Most fields read no outputs, and to look for the word costs far less than to compile them.
    fields = [value for _, value in expressions(step) if _has_word(value, "outputs", "Output")]
    return _names(relay.refs(fields, flavour), "outputs") if fields else ()


def _has_word(value: Json, root: str, tag: str) -> bool:
    """Whether a document can refer to a root: by its name in a text, or by a tagged object."""
    pending = [value]
    while pending:
        node = pending.pop()
        if isinstance(node, str):
            if root in node:
                return True
        elif isinstance(node, dict):
            if node.get("$type") == tag:
                return True
            pending.extend(node.values())
        elif isinstance(node, list):
            pending.extend(node)
    return False


def _names(refs: Iterable[tuple[str, ...]], root: str) -> list[str]:
    """Those that are asked of a root."""
    return sorted(ref[1] for ref in refs if ref[0] == root and len(ref) > 1)


def expressions(step: Step) -> Iterator[tuple[tuple[str, ...], Json]]:
    """The fields of a step that are evaluated, by their paths. Scripts and their arguments are not."""
    approval, matrix = step.approval, step.matrix
    yield ("env",), step.env
    yield ("spec",), step.spec
    yield ("with",), step.with_
    yield ("when",), list(step.when)
    yield ("continueOnError",), step.continue_on_error
    yield ("retry", "when"), step.retry.when
    yield ("parameters",), step.parameters
    yield ("foreach",), step.foreach
    yield ("matrix",), None if matrix is None else matrix.model_dump(mode="json")
    yield ("approval", "message"), None if approval is None else approval.message
    yield ("image",), step.image
    yield ("engine",), step.engine
    yield ("workflow",), step.workflow
    yield ("requires",), dict(step.requires)
    yield ("workdir",), step.workdir
