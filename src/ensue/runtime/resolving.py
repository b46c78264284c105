"""Evaluates a step's fields for one attempt, loading what the expressions ask for."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NoReturn

from ensue.core import allowing, approving, conditions, lacking, resulting
from ensue.expr import interface, relay
from ensue.model import event as events
from ensue.model.errors import NotFound
from ensue.model.run import Lease, Outcome, Reason, State
from ensue.model.values import Json
from ensue.model.workflow import Step
from ensue.ports.metadata import Question, T
from ensue.ports.step_states import StepState, StepStates
from ensue.ports.store import Feed, History
from ensue.runtime.hiding import Confidence
from ensue.runtime.patience import patiently

MAX_ROUNDS = 8
ANSWERS = "answers"
"""What steps were told, for relay's `$type: Answer`, in conditions alone."""
SECRET_FIELDS = frozenset({"env", "spec", "with"})
"""The fields that may read what is secret; in relay's dialect conditions may, too."""


class Unusable(Exception):
    """A field cannot be evaluated; carries the outcome of the attempt."""

    def __init__(self, field: str, message: str) -> None:
        self.outcome = Outcome(
            state=State.FAILED, reason=Reason.INVALID_EXPRESSION, message=f"{field}: {message}", can_retry=False
        )
        super().__init__(message)


class Unset(Unusable):
    """A field names a secret or a connection that is not there."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(field, message)
        self.outcome = replace(self.outcome, reason=Reason.MISSING_SECRET)


class Unanswered(Unusable):
    """A condition waits for what a step was not told yet."""

    def __init__(self, field: str, missing: Sequence[interface.Missing]) -> None:
        message = ", ".join(dict.fromkeys("/".join(one.names) for one in missing))
        super().__init__(field, message)
        self.outcome = Outcome(state=State.WAITING, reason=Reason.ANSWER, message=message)


@dataclass(slots=True, kw_only=True)
class Resolver:
    """The scope of one attempt. Values are loaded at most once."""

    lease: Lease
    history: History
    feed: Feed
    states: StepStates
    confidence: Confidence
    now: datetime
    flavour: relay.Flavour = relay.NATIVE
    roots: dict[str, Json] = field(init=False)
    connections: set[tuple[str, ...]] = field(default_factory=set, init=False)
    """Those that were asked for."""
    lazy: frozenset[str] = frozenset({"connections", "answers", "outputs", "secrets", "steps"})
    """Roots that are not yet, or never, held as a whole."""

    def __post_init__(self) -> None:
        lease = self.lease
        for name in lease.sensitive_parameters & lease.parameters.keys():
            self.confidence.hide(lease.parameters[name])
        self.roots = {
            "parameters": dict(lease.parameters),
            "run": {
                "name": lease.run_name,
                "id": lease.key.run,
                "state": lease.run_state.value,
                "startedBy": lease.started_by.subject,
            },
            "outputs": {},
            ANSWERS: {},
            "connections": {},
            "secrets": {},
            "steps": {},
        }
        if lease.event_uid is not None:
            self.roots["event"] = {}
            self.lazy |= {"event"}

    async def value(self, name: str, value: Json) -> Json:
        """The value with its expressions replaced. Raises Unusable."""
        result: interface.Value | interface.Unresolved | interface.Error = await self.ask(
            name, lambda scope: relay.evaluate(value, scope, self.flavour)
        )
        if isinstance(result, interface.Value):
            return result.value
        self._refuse_lacks(name, result)
        raise Unusable(name, conditions.why(result))

    async def demand(self, name: str, values: Mapping[str, Json]) -> None:
        """Raises Unset when values that are asked for later name a secret or a connection that is not there."""
        for key, value in values.items():
            if any(ref[0] in allowing.SECRET_ROOTS for ref in relay.refs(value, self.flavour)):
                evaluate = functools.partial(relay.evaluate, value, flavour=self.flavour)
                self._refuse_lacks(f"{name}.{key}", await self.ask(f"{name}.{key}", evaluate))

    def _refuse_lacks(self, name: str, result: object) -> None:
        missing = result.missing if isinstance(result, interface.Unresolved) and _is_guarded(name) else ()
        if lacks := lacking.of_missing(missing, self.lease.key.namespace):
            raise Unset(name, "; ".join(map(str, lacks)))

    async def ask(self, name: str, question: Question[T]) -> T:
        """What a question about a field answers once all that it reads is in the scope. Raises Unusable."""
        for _ in range(MAX_ROUNDS):
            result = question(self._scope(name))
            if isinstance(result, interface.Needs):
                await self._load(result.refs)
            elif not await self._connects(result):
                return result
        raise Unusable(name, "it asks for more and more values")

    async def _connects(self, result: object) -> bool:
        """Whether connections were loaded whose absence the result tells. Only then is it known which are meant."""
        missing = result.missing if isinstance(result, interface.Unresolved) else ()
        wanted = {one.names[:2] for one in missing if one.kind is interface.Kind.CONNECTION and len(one.names) > 1}
        held = self.roots["connections"]
        assert isinstance(held, dict)
        for kind, name in wanted - self.connections:
            if found := await self.confidence.connection(kind, name):
                held[kind] = {**_mapping(held.get(kind)), name: found}
        is_new = bool(wanted - self.connections)
        self.connections |= wanted
        return is_new

    async def fields(self, name: str, values: Mapping[str, Json]) -> dict[str, Json]:
        if not relay.has_expressions(dict(values)):
            return dict(values)
        return {key: await self.value(f"{name}.{key}", item) for key, item in values.items()}

    async def step(self, step: Step) -> Step:
        """The step with those of its texts evaluated that say what runs and where. Raises Unusable."""
        update: dict[str, object] = {}
        for name in ("image", "workdir"):
            given = getattr(step, name)
            if given and relay.has_expressions(given):
                update[name] = await self.text(name, given)
        if step.approval is not None and relay.has_expressions(step.approval.message):
            message = await self.text("approval.message", step.approval.message)
            update["approval"] = step.approval.model_copy(update={"message": message})
        return step.model_copy(update=update) if update else step

    async def text(self, name: str, value: str) -> str:
        """The value of a field that must be a text: an image, a name."""
        result = await self.value(name, value)
        if not isinstance(result, str):
            raise Unusable(name, f"{result!r} is not a text")
        return result

    async def is_true(self, name: str, text: str) -> bool:
        known = conditions.truth(text)
        return known if known is not None else await self._decide(name, [text], is_list=False) is None

    async def first_false(self, name: str, texts: Sequence[Json]) -> str | None:
        """A condition that is false, whatever the others are. Raises Unusable."""
        return await self._decide(name, texts, is_list=True)

    async def _decide(self, name: str, texts: Sequence[Json], *, is_list: bool) -> str | None:
        for _ in range(MAX_ROUNDS):
            scope = self._scope(name)
            match conditions.decide(texts, scope, self.flavour):
                case conditions.Met():
                    return None
                case conditions.Unmet(text):
                    return text
                case interface.Needs(refs):
                    await self._load(refs)
                case conditions.Undecided(index, result):
                    # A connection of another of them may tell that one to be false.
                    if not any([await self._connects(relay.evaluate(text, scope, self.flavour)) for text in texts]):
                        self._refuse(name, f"{name}[{index}]" if is_list else name, texts[index], result)
        raise Unusable(name, "it asks for more and more values")

    def _refuse(self, name: str, where: str, condition: Json, result: interface.Result) -> NoReturn:
        """Say why a condition cannot be told. Raises Unusable."""
        missing = result.missing if isinstance(result, interface.Unresolved) else ()
        if secrecy := conditions.secrecy(condition, result, self.flavour):
            raise Unusable(where, secrecy)
        if _is_asked(missing):
            raise Unanswered(name, missing)
        if lacks := lacking.of_missing(missing, self.lease.key.namespace):
            raise Unset(where, "; ".join(map(str, lacks)))
        raise Unusable(where, conditions.why(result))

    def _scope(self, name: str) -> interface.Mapped:
        if _is_guarded(name):
            roots = {root: value for root, value in self.roots.items() if root != ANSWERS}
            return interface.Mapped(roots=roots, now=self.now, lazy=self.lazy - {ANSWERS})
        secret = allowing.SECRET_ROOTS
        hidden = secret | {ANSWERS}
        if name.partition(".")[0] == "when":
            hidden = frozenset() if self.flavour.is_relay else secret
        roots = {root: value for root, value in self.roots.items() if root not in hidden}
        return interface.Mapped(roots=roots, now=self.now, lazy=self.lazy - hidden)

    async def _load(self, refs: frozenset[interface.Ref]) -> None:
        lease = self.lease
        outputs, steps = self.roots["outputs"], self.roots["steps"]
        assert isinstance(outputs, dict)
        assert isinstance(steps, dict)
        names = [ref[1] for ref in refs if ref[0] == "outputs" and len(ref) > 1]
        if names:
            found = await patiently(lambda: self.history.outputs(lease.key.namespace, lease.key.run, names))
            for name in names:
                outputs[name] = dict(found.get(name, {}))
            await self._hide_sensitive(found)
        secrets = self.roots["secrets"]
        assert isinstance(secrets, dict)
        for name in [ref[1] for ref in refs if ref[0] == "secrets" and len(ref) > 1]:
            secrets[name] = await self.confidence.read(name)
        connections = self.roots["connections"]
        assert isinstance(connections, dict)
        for name in [ref[1] for ref in refs if ref[0] == "connections" and len(ref) > 1]:
            connections.setdefault(name, {})
        answers = self.roots[ANSWERS]
        assert isinstance(answers, dict)
        for name in [ref[1] for ref in refs if ref[0] == ANSWERS and len(ref) > 1]:
            answers[name] = dict(await self._told(name))
        if any(ref[0] == "event" for ref in refs):
            self.roots |= await self._event()
            self.lazy -= {"event"}
        if any(ref[0] == "steps" or ref == ("outputs",) for ref in refs):
            rows = await patiently(lambda: self.history.steps(lease.key.namespace, lease.key.run))
            for row in rows:
                steps[row.key.step] = resulting.status(row)
                outputs[row.key.step] = dict(row.outputs)
            await self._hide_sensitive({row.key.step: row.outputs for row in rows})
            self.lazy -= {"outputs", "steps"}

    async def recall(self, value: Json) -> None:
        """Hide the sensitive outputs that the value names."""
        if refs := frozenset(ref for ref in relay.refs(value, self.flavour) if ref[0] == "outputs"):
            await self._load(refs)

    async def _hide_sensitive(self, found: Mapping[str, Mapping[str, Json]]) -> None:
        key = self.lease.key
        if not any(found.values()):
            return
        for step, name in await patiently(lambda: self.history.sensitive(key.namespace, key.run)):
            if name in found.get(step, {}):
                self.confidence.hide(found[step][name])

    async def _told(self, step: str) -> StepState:
        key = self.lease.key
        told = await patiently(lambda: self.states.get(key.namespace, key.run, step))
        # relay's word for an approval that was not given yet.
        is_open = told.get(approving.STATE_KEY) == approving.WAITING
        return {name: value for name, value in told.items() if not (is_open and name == approving.STATE_KEY)}

    async def _event(self) -> dict[str, Json]:
        lease = self.lease
        try:
            stored = await patiently(lambda: self.feed.get(lease.key.namespace, lease.event_uid or ""))
        except NotFound:
            raise Unusable("event", "the event that started the run is not kept any more") from None
        return events.payload(stored.event) if self.flavour.is_relay else {"event": events.attributes(stored.event)}


def _is_guarded(name: str) -> bool:
    return name.partition(".")[0] in SECRET_FIELDS


def _is_asked(missing: Sequence[interface.Missing]) -> bool:
    """Whether somebody has only to say something."""
    return bool(missing) and all(one.kind is interface.Kind.ANSWER for one in missing)


def _mapping(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}
