"""One transaction's decisions: candidates pass their windows, runs begin, and all is written together."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from ensue.core import windows as admitting
from ensue.core.deciding import Proposal
from ensue.core.windows import Admitted, Memory, Settled, Storm, Windows
from ensue.model.decision import Conclusion, Decision, Reason, StartedRun
from ensue.model.event import Event
from ensue.model.run import Run
from ensue.model.values import Namespace, from_micros, to_micros
from ensue.ports import intake
from ensue.ports.intake import Arrival, Reaction
from ensue.store import rows, starting, verdicts, windows
from ensue.store.graphs import Graphs
from ensue.store.statement import NOW, Transaction
from ensue.store.windows import Hold, Key, Kind, Locked, Window

DecisionKey = tuple[str, str, str, int]


class Ledger:
    def __init__(self, *, graphs: Graphs) -> None:
        self._graphs = graphs
        self._locked = Locked()
        self._decisions: dict[DecisionKey, Decision] = {}
        self._settled: dict[DecisionKey, Settled] = {}
        self._fired: dict[DecisionKey, Run] = {}
        self._ended: list[intake.Settled] = []
        self.queued = 0
        self.has_timers = False
        self.has_ended = False
        self.now: datetime

    @property
    def decisions(self) -> tuple[Decision, ...]:
        return tuple(self._decisions.values())

    @property
    def settled(self) -> tuple[intake.Settled, ...]:
        return tuple(self._ended)

    def decide(self, arrivals: Iterable[Arrival]) -> Transaction[None]:
        """About new events, in their order."""
        pairs = [(arrival.event, reaction) for arrival in arrivals for reaction in arrival.reactions]
        yield from self.open(key for event, reaction in pairs for key in _keys(event.namespace, reaction.proposal))
        for event, reaction in pairs:
            self._react(event, reaction)
        yield from self._close()

    def open(self, keys: Iterable[Key]) -> Transaction[None]:
        """Lock these windows, and those that the release of what they hold must ask. The clock is read after it."""
        wanted = list(keys)
        yield from self._locked.lock(key for key in wanted if key[1] not in windows.LATE)
        holds = [(key, self._locked.of(key).hold) for key in wanted if key[1] is Kind.DEBOUNCE]
        asked = [(hold.stormed_by(key), hold.throttled_by(key)) for key, hold in holds if hold is not None]
        late = [key for keys in asked for key in keys if key is not None]
        yield from self._locked.lock([*late, *(key for key in wanted if key[1] in windows.LATE)])
        self.now = from_micros((yield NOW)[0][0])

    def hold_at(self, key: Key) -> Hold | None:
        return self._locked.of(key).hold

    def release(self, key: Key, *, is_active: bool) -> Transaction[None]:
        """Let go of what a window holds, if it is due; of an inactive trigger it fires nothing."""
        self._let_go(self._locked.of(key), is_active=is_active)
        yield from self._close()

    def _react(self, event: Event, reaction: Reaction) -> None:
        proposal = reaction.proposal
        conclusion, reason, note = proposal.conclusion, proposal.reason, proposal.note
        key = (event.namespace, event.uid, proposal.trigger_uid, proposal.generation)
        if conclusion is Conclusion.FIRED and reaction.run is not None:
            if proposal.windows != Windows():
                admitted = self._admit(event, reaction.run, proposal)
                conclusion, reason = admitted.conclusion, admitted.reason
                said = _repeat(proposal, admitted) or _note(reason, proposal.windows.storm)
                note = note if conclusion is Conclusion.FIRED else said
            if conclusion is Conclusion.FIRED:
                self._fired[key] = reaction.run
        self._decisions[key] = Decision(
            namespace=event.namespace,
            event_uid=event.uid,
            trigger=proposal.trigger,
            trigger_uid=proposal.trigger_uid,
            generation=proposal.generation,
            conclusion=conclusion,
            reason=reason,
            verdict=proposal.verdict,
            note=note,
            decided_at=self.now,
        )

    def _admit(self, event: Event, run: Run, proposal: Proposal) -> Admitted:
        found = {key[1]: self._locked.of(key) for key in _keys(event.namespace, proposal)}
        dedupe, debounce, throttle, storm = (
            found.get(kind) for kind in (Kind.DEDUPE, Kind.DEBOUNCE, Kind.THROTTLE, Kind.STORM)
        )
        if debounce is not None:
            # By its own throttle, whose key may differ from this event's.
            self._let_go(debounce, is_active=True)
        hold = None if debounce is None else debounce.hold
        memory = Memory(
            seen_at=None if dedupe is None else dedupe.seen_at,
            seen_event="" if dedupe is None else dedupe.seen_event,
            held=None if hold is None else hold.held,
            passed=() if throttle is None else throttle.passed,
            stormed=0 if storm is None else storm.stormed,
        )
        admitted = admitting.admit(proposal.windows, memory, event.uid, self.now)
        if admitted.settled is not None and hold is not None and debounce is not None:
            self._settle(debounce, hold, admitted.settled)
        _remember(found, proposal, admitted.memory)
        if debounce is not None and admitted.conclusion is Conclusion.HELD and admitted.memory.held is not None:
            debounce.hold = Hold(
                held=admitted.memory.held,
                trigger=proposal.trigger,
                generation=proposal.generation,
                run=run,
                throttle=proposal.windows.throttle,
                throttle_key=proposal.keys.throttle,
                storm=proposal.windows.storm,
            )
            debounce.is_changed = self.has_timers = True
        return admitted

    def _let_go(self, window: Window, *, is_active: bool) -> None:
        hold = window.hold
        if hold is None:
            return
        storm, throttle = (
            None if key is None else self._locked.of(key)
            for key in (hold.stormed_by(window.key), hold.throttled_by(window.key))
        )
        before = Memory(
            held=hold.held,
            passed=() if throttle is None else throttle.passed,
            stormed=0 if storm is None else storm.stormed,
        )
        settled, memory = admitting.release(Windows(throttle=hold.throttle, storm=hold.storm), before, self.now)
        if settled is None:
            return
        window.hold, window.is_changed = None, True
        if not is_active:
            self._settle(window, hold, replace(settled, conclusion=Conclusion.NOT_FIRED, reason=Reason.DISABLED))
            return
        if throttle is not None and hold.throttle is not None:
            throttle.passed, throttle.lasts, throttle.is_changed = memory.passed, hold.throttle.per, True
        _remember_storm(storm, memory)
        fires = settled.conclusion is Conclusion.FIRED
        settled = replace(settled, note=_note(settled.reason, hold.storm))
        self._settle(window, hold, settled, hold.run if fires else None)

    def _settle(self, window: Window, hold: Hold, settled: Settled, run: Run | None = None) -> None:
        key = (window.key[0], hold.held.event, window.key[2], hold.generation)
        if run is not None:
            self._fired[key] = run
        if key in self._decisions:
            self._decisions[key] = replace(
                self._decisions[key],
                conclusion=settled.conclusion,
                reason=settled.reason,
                note=settled.note,
            )
        else:
            self._settled[key] = settled
            self._ended.append(
                intake.Settled(
                    namespace=Namespace(window.key[0]),
                    trigger=hold.trigger,
                    conclusion=settled.conclusion,
                    reason=settled.reason,
                )
            )

    def _begin(self) -> Transaction[dict[DecisionKey, StartedRun]]:
        begun = yield from starting.begin_bound(self._graphs, list(self._fired.values()), self.now)
        started = {}
        for key, one in zip(self._fired, begun, strict=True):
            if one is not None:
                started[key] = StartedRun(uid=one.run.uid, name=one.run.name)
                self.queued += one.queued
                self.has_timers = self.has_timers or one.has_timers
                self.has_ended = self.has_ended or one.run.state.is_final
        return started

    def _close(self) -> Transaction[None]:
        yield from self._locked.save(self.now)
        started = yield from self._begin()
        decided = [verdicts.row(decision, started.get(key)) for key, decision in self._decisions.items()]
        yield from verdicts.ADD.quietly(decided)
        for key, settled in self._settled.items():
            run = started.get(key)
            yield verdicts.SETTLE.quietly(
                settled.conclusion.value, settled.reason.value, rows.text(settled.note), run and run.uid,
                run and run.name, to_micros(self.now), *key,
            )  # fmt: skip


def _keys(namespace: Namespace, proposal: Proposal) -> Iterator[Key]:
    asked, keys, uid = proposal.windows, proposal.keys, proposal.trigger_uid
    if asked.debounce is not None:
        yield (namespace, Kind.DEBOUNCE, uid, keys.debounce)
    if asked.dedupe is not None:
        yield (namespace, Kind.DEDUPE, uid, keys.dedupe)
    if asked.storm is not None:
        yield (namespace, Kind.STORM, uid, asked.storm.root)
    if asked.throttle is not None:
        yield (namespace, Kind.THROTTLE, uid, keys.throttle)


def _repeat(proposal: Proposal, admitted: Admitted) -> str:
    dedupe = proposal.windows.dedupe
    if admitted.reason is not Reason.DUPLICATE or dedupe is None:
        return ""
    return admitting.duplicate_of(dedupe, proposal.keys.dedupe, admitted.memory)


def _note(reason: Reason, storm: Storm | None) -> str:
    return storm.note if reason is Reason.STORM and storm is not None else ""


def _remember_storm(storm: Window | None, memory: Memory) -> None:
    if storm is not None and memory.stormed != storm.stormed:
        storm.stormed, storm.lasts, storm.is_changed = memory.stormed, admitting.STORM_LASTS, True


def _remember(found: dict[Kind, Window], proposal: Proposal, memory: Memory) -> None:
    _remember_storm(found.get(Kind.STORM), memory)
    dedupe, throttle = found.get(Kind.DEDUPE), found.get(Kind.THROTTLE)
    if dedupe is not None and proposal.windows.dedupe is not None and memory.seen_at != dedupe.seen_at:
        dedupe.seen_at, dedupe.seen_event = memory.seen_at, memory.seen_event
        dedupe.lasts, dedupe.is_changed = proposal.windows.dedupe.for_, True
    if throttle is not None and proposal.windows.throttle is not None and memory.passed != throttle.passed:
        throttle.passed, throttle.lasts, throttle.is_changed = memory.passed, proposal.windows.throttle.per, True
