"""What a trigger makes of one event before its windows are asked: verdict, keys of its windows, loops."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ensue.core import canonical, firing, gating, matching
from ensue.core.matching import Candidate
from ensue.core.windows import Storm, Windows
from ensue.expr import cel, indexing, interface, subscriptions
from ensue.expr.cel.indexing import clauses
from ensue.expr.interface import Program, Scope
from ensue.model.decision import Answer, Conclusion, Reason, Verdict
from ensue.model.definition import Metadata
from ensue.model.event import EVENTS, RUN_STARTED, Cause
from ensue.model.trigger import Filter, Trigger, TriggerSource, TriggerSpec
from ensue.model.workflow import Step

LANGUAGES = {"cel": cel.compile}
CLAUSES = {"cel": clauses}
MAX_KEY = 200
"""Characters of a window's key that are kept as they are; a longer one is known by its hash."""
MAX_ROUNDS = 10
"""How often a trigger may be among its own causes."""
MAX_DEPTH = 64
MAX_RETURNS = 100
"""How often a trigger may fire for what one event led to, in all chains together, where it is among its own causes."""
MAX_FIRINGS = 1000
"""The same, where it is not: a run may well send many events."""
SKIPPED = "a replay: the windows were not asked"
NO_WINDOWS = Windows()


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """What the windows of a trigger tell events apart by."""

    dedupe: str = ""
    debounce: str = ""
    throttle: str = ""


NO_KEYS = Keys()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A version of a trigger, made ready to decide."""

    trigger: Trigger
    uid: str
    generation: int
    candidate: Candidate
    windows: Windows
    keys: Mapping[str, Program] = field(default_factory=dict)
    start: Step | None = None
    """The action that starts a workflow and does nothing else; None: the actions are steps."""
    problem: str = ""
    """Why it cannot decide anything."""

    @property
    def name(self) -> str:
        return self.trigger.metadata.name

    @property
    def is_active(self) -> bool:
        return self.trigger.spec.enabled and not self.problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What a candidate concludes if its windows have nothing against it."""

    trigger: str
    trigger_uid: str
    generation: int
    verdict: Verdict
    conclusion: Conclusion
    reason: Reason = Reason.NONE
    note: str = ""
    windows: Windows = NO_WINDOWS
    keys: Keys = NO_KEYS


def compile(trigger: Trigger, uid: str, generation: int) -> Rule:
    spec, start = trigger.spec, firing.start_of(trigger)
    program = None if spec.filter is None else filter_program(spec.filter)
    keys = {name: cel.compile(text) for name, text in key_texts(trigger) if text}
    problems = [error_of(one) for one in (program, *keys.values()) if one is not None]
    return Rule(
        trigger=trigger,
        uid=uid,
        generation=generation,
        candidate=Candidate(
            uid=uid,
            sources=frozenset(source_key(uid, source) for source in spec.sources),
            filter=gating.gated(trigger, start, program),
            clauses=_clauses(spec.filter, program),
        ),
        windows=Windows(dedupe=spec.dedupe, debounce=spec.debounce, throttle=spec.throttle),
        keys=keys,
        start=start,
        problem="; ".join(filter(None, problems)),
    )


def source_key(uid: str, source: TriggerSource) -> str:
    """The key of the source object that a trigger's entry stands for."""
    return shared_key(source.ref) if source.ref is not None else own_key(uid, source.name, source.type or "")


def own_key(uid: str, name: str, type: str) -> str:
    """Of a source that is written inside of a trigger."""
    return EVENTS if type == EVENTS else f"{uid}/{name}"


def shared_key(name: str) -> str:
    """Of a Source."""
    return f"Source/{name}"


def filter_program(given: Filter) -> Program:
    if given.cel is not None:
        program = cel.compile(given.cel)
        if program.error is not None:
            return program
        return interface.Deferred(compile=cel.compile, text=given.cel, refs=program.refs)
    return subscriptions.parse(given.model_dump(mode="json", by_alias=True, exclude_none=True), LANGUAGES)


def key_texts(trigger: Trigger) -> Iterator[tuple[str, str]]:
    """The keys of its windows, by the name of the window."""
    spec = trigger.spec
    for name, window in (("dedupe", spec.dedupe), ("debounce", spec.debounce), ("throttle", spec.throttle)):
        if window is not None:
            yield name, window.key


def error_of(program: Program) -> str:
    return "" if program.error is None else program.error.message


def _clauses(given: Filter | None, program: Program | None) -> indexing.Clauses:
    if given is not None and given.cel is not None:
        return clauses(given.cel)
    return program.clauses(CLAUSES) if isinstance(program, subscriptions.Filter) else indexing.ANYTHING


def propose(rule: Rule, scope: Scope, cause: Cause, names: Mapping[str, str], *, is_replay: bool = False) -> Proposal:
    """What a candidate makes of the event in `scope`; `names` are those of triggers, by uid, for messages."""
    verdict = matching.judge(rule.candidate, scope)
    match verdict.answer:
        case Answer.NO:
            return _proposal(rule, verdict, Conclusion.NOT_FIRED, Reason.FILTER)
        case Answer.COULD_NOT_TELL:
            return _proposal(rule, verdict, Conclusion.UNDECIDED, Reason.FILTER_FAILED)
    if loop := loop_of(rule.uid, cause, names) or _own_start(rule.uid, scope, cause):
        return _proposal(rule, verdict, Conclusion.NOT_FIRED, Reason.LOOP, loop)
    if is_replay:
        note = SKIPPED if rule.windows != NO_WINDOWS else ""
        return _proposal(rule, verdict, Conclusion.FIRED, note=note)
    keys, error = _keys(rule.keys, scope)
    if error:
        failed = Verdict(answer=Answer.COULD_NOT_TELL, because=verdict.because, error=error)
        return _proposal(rule, failed, Conclusion.UNDECIDED, Reason.FILTER_FAILED)
    windows = replace(rule.windows, storm=storm_of(rule.uid, cause, names)) if cause.root else rule.windows
    return _proposal(rule, verdict, Conclusion.FIRED, windows=windows, keys=keys)


def _proposal(
    rule: Rule,
    verdict: Verdict,
    conclusion: Conclusion,
    reason: Reason = Reason.NONE,
    note: str = "",
    windows: Windows = NO_WINDOWS,
    keys: Keys = NO_KEYS,
) -> Proposal:
    return Proposal(
        trigger=rule.name,
        trigger_uid=rule.uid,
        generation=rule.generation,
        verdict=verdict,
        conclusion=conclusion,
        reason=reason,
        note=note,
        windows=windows,
        keys=keys,
    )


def loop_of(uid: str, cause: Cause, names: Mapping[str, str]) -> str:
    """Why a trigger must not fire once more in a chain of causes; empty if it may."""
    rounds = Counter(cause.triggers)
    if rounds[uid] > MAX_ROUNDS:
        return f"it fired {rounds[uid]} times on the way to this event: {_named(cause.triggers, names)}"
    if cause.depth > MAX_DEPTH:
        return f"{cause.depth} triggers fired one after the other on the way here: {_named(cause.triggers, names)}"
    return ""


def storm_of(uid: str, cause: Cause, names: Mapping[str, str]) -> Storm:
    """Loops that meet make a chain of each order in which triggers can follow each other: no chain is long, and all
    together never end."""
    limit = MAX_RETURNS if uid in cause.triggers else MAX_FIRINGS
    named = _named((*cause.triggers, uid), names)
    return Storm(
        root=cause.root, limit=limit, note=f"it fired {limit} times for what event {cause.root} led to: {named}"
    )


def _own_start(uid: str, scope: Scope, cause: Cause) -> str:
    """A run is told of twice: with both, what answers every event would double with each round."""
    if uid in cause.triggers and scope.find("event", "type") == interface.Found(RUN_STARTED):
        return "it fired on the way to the run that began"
    return ""


def _named(uids: Sequence[str], names: Mapping[str, str]) -> str:
    """Each once, in the order in which they first fired."""
    return " → ".join(names.get(uid, uid) for uid in dict.fromkeys(uids))


def _keys(programs: Mapping[str, Program], scope: Scope) -> tuple[Keys, str]:
    found = {}
    for name, program in programs.items():
        match program.evaluate(scope):
            case interface.Value(value):
                try:
                    found[name] = _short(canonical.encode(value))
                except ValueError as error:
                    return NO_KEYS, f"{name}.key: {error}"
            case result:
                return NO_KEYS, f"{name}.key: {matching.error_text(result)}"
    return Keys(**found), ""


def _short(key: bytes) -> str:
    text = key.decode()
    return text if len(text) <= MAX_KEY else f"sha256:{hashlib.sha256(key).hexdigest()}"


def index(rules: Iterable[Rule]) -> matching.Index:
    return matching.Index(rule.candidate for rule in rules if rule.is_active)


def unreadable(name: str, uid: str, generation: int, problem: str) -> Rule:
    """What stands for a trigger that this version cannot read."""
    metadata = Metadata.model_construct(name=name)
    trigger = Trigger.model_construct(metadata=metadata, spec=TriggerSpec.model_construct(sources=(), actions=()))
    candidate = Candidate(uid=uid, sources=frozenset())
    return Rule(
        trigger=trigger, uid=uid, generation=generation, candidate=candidate, windows=NO_WINDOWS, problem=problem
    )
