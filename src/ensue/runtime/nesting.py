"""An attempt of a step that is a workflow: the run that begins as its end is recorded."""

from dataclasses import dataclass

from ensue.core import checking_parameters, firing, naming, nesting, permitting
from ensue.core.graph import Graph
from ensue.expr import relay
from ensue.model.errors import Denied, NotFound, Severity
from ensue.model.run import Lease, Outcome, Parent, Reason, Run, State
from ensue.model.values import Json
from ensue.model.workflow import Step
from ensue.ports.access import Access
from ensue.ports.clock import Clock
from ensue.ports.store import Definitions, History
from ensue.runtime.patience import patiently
from ensue.runtime.resolving import Resolver


@dataclass(frozen=True, slots=True, kw_only=True)
class Nesting:
    access: Access
    definitions: Definitions
    history: History
    clock: Clock

    async def begin(self, graph: Graph, step: Step, lease: Lease, resolver: Resolver) -> Outcome:
        """The run of one attempt, or why there is none. Raises Unusable."""
        name = step.workflow or ""
        if relay.has_expressions(name):
            name = await resolver.text("workflow", name)
        given = await resolver.fields("parameters", step.parameters)
        if problem := await self._refusal(graph, step, name, lease):
            return _failed(Reason.NOT_ALLOWED, problem)
        try:
            stored = await patiently(lambda: self.definitions.get(lease.key.namespace, "Workflow", name))
        except NotFound:
            return _failed(Reason.CANNOT_START, f"there is no workflow {name} in namespace {lease.key.namespace}")
        built = await patiently(lambda: self.definitions.graph(stored.hash, name))
        if failure := firing.unsupported(built):
            return _failed(failure.reason, f"workflow {name}: {failure.message}")
        parameters, problem = _parameters(built, given)
        if problem:
            return _failed(Reason.INVALID_PARAMETERS, f"workflow {name}: {problem}")
        child = Run(
            namespace=lease.key.namespace,
            uid=naming.child_uid(lease.key, lease.attempt, lease.started_at),
            name="",
            workflow=name,
            definition_hash=stored.hash,
            parameters=parameters,
            sensitive_parameters=resolver.confidence.screen.told_in(parameters),
            labels={},
            started_by=lease.started_by,
            parent=Parent(key=lease.key, attempt=lease.attempt),
            cause=lease.cause,
            created_at=self.clock.now(),
        )
        return Outcome(state=State.WAITING, child=child)

    async def _refusal(self, graph: Graph, step: Step, name: str, lease: Lease) -> str:
        """Why this run must not begin another; empty if it may."""
        starter = await patiently(lambda: self.access.known(lease.started_by))
        try:
            permitting.require(starter, "start", "Run", lease.key.namespace, name)
        except Denied as error:
            return str(error)
        is_computed = relay.has_expressions(step.workflow or "")
        problem = nesting.refusal(graph.workflow, name, is_computed=is_computed, is_of_event=bool(lease.cause.event))
        return problem or nesting.too_deep(await self._chain(lease), name)

    async def _chain(self, lease: Lease) -> list[str]:
        """What the runs around this attempt run, the outermost first."""
        chain: list[str] = []
        uid = lease.key.run
        while len(chain) < nesting.MAX_LEVELS:
            run = await patiently(lambda uid=uid: self.history.run(lease.key.namespace, uid))  # type: ignore[misc]
            chain.insert(0, run.title)
            if run.parent is None:
                break
            uid = run.parent.key.run
        return chain


def _parameters(built: Graph, given: dict[str, Json]) -> tuple[dict[str, Json], str]:
    values, problems = checking_parameters.check_parameters(built.workflow, given)
    return values, "; ".join(firing.sentence(one) for one in problems if one.severity is Severity.ERROR)


def _failed(reason: Reason, message: str) -> Outcome:
    return Outcome(state=State.FAILED, reason=reason, message=message, can_retry=False)
