"""Every change of a run, as transactions (port Runs)."""

from collections.abc import Sequence
from dataclasses import replace

from ensue.model.errors import Conflict, NotFound
from ensue.model.identity import Identity
from ensue.model.run import Lease, Run, State, StepRun
from ensue.model.values import Namespace, RunUid, from_micros, to_micros
from ensue.ports.store import Claimant, Claimed, Ending, Finished, Fired, Started, Stop
from ensue.store import auditing, claiming, logs, marking, moves, reports, rows, saving, starting
from ensue.store.driver import Driver
from ensue.store.graphs import Graphs
from ensue.store.statement import NOW, Sql, Transaction
from ensue.store.timers import Timers

NOTE_HANDLE = Sql(f"UPDATE step_runs SET handle = $7, message = $8 WHERE {moves.HELD} RETURNING attempt")


class Runs:
    def __init__(self, *, driver: Driver, graphs: Graphs) -> None:
        self._driver = driver
        self._graphs = graphs
        self._timers = Timers(driver=driver, graphs=graphs)

    async def start(
        self, run: Run, by: Identity, claimant: Claimant | None = None, reused: Sequence[StepRun] = ()
    ) -> Started:
        return await self._driver.write(lambda: self._start(run, by, claimant, reused))

    async def claim(self, claimant: Claimant) -> Claimed:
        return await self._driver.write(lambda: _claim(claimant))

    async def finish(self, lease: Lease, ending: Ending, claimant: Claimant | None = None) -> Finished:
        return await self._driver.write(lambda: self._finish(lease, ending, claimant))

    async def note_handle(self, lease: Lease, handle: str, message: str = "") -> bool:
        args = (*moves.held(lease), handle, rows.text(message))
        return await self._driver.write(lambda: _is_found(NOTE_HANDLE, args))

    async def is_current(self, lease: Lease) -> bool:
        return bool(await self._driver.fetch(moves.IS_CURRENT(*moves.held(lease))))

    async def stop(self, namespace: Namespace, uid: RunUid, stop: Stop, by: Identity) -> Run:
        return await self._driver.write(lambda: self._stop(namespace, uid, stop, by))

    async def pause(self, namespace: Namespace, uid: RunUid, is_paused: bool, by: Identity) -> Run:
        return await self._driver.write(lambda: self._pause(namespace, uid, is_paused, by))

    async def fire_timers(self, limit: int = 100) -> Fired:
        return await self._timers.fire(limit)

    def _start(
        self, run: Run, by: Identity, claimant: Claimant | None, reused: Sequence[StepRun]
    ) -> Transaction[Started]:
        now = from_micros((yield NOW)[0][0])
        begun = yield from starting.begin(self._graphs, run, now, reused)
        if begun is None:
            found = yield starting.NAME_OF(run.namespace, run.uid, run.start_key)
            return Started(name=found[0][0], is_new=False)
        run = begun.run
        verb, about = ("rerun", {"rerunOf": run.rerun_of}) if run.rerun_of else ("start", {"workflow": run.workflow})
        yield auditing.record(to_micros(now), by, verb, run.namespace, "Run", run.name, about)
        claimed = (yield from claiming.claim(claimant, to_micros(now), run)) if claimant else ()
        own = sum(lease.key.run == run.uid for lease in claimed)
        return Started(
            name=run.name,
            is_new=True,
            run=replace(run, state=State.RUNNING, started_at=now) if own else run,
            queued=begun.queued - own,
            has_timers=begun.has_timers,
            claimed=claimed,
        )

    def _finish(self, lease: Lease, ending: Ending, claimant: Claimant | None) -> Transaction[Finished]:
        locked = yield from saving.lock_run(lease.key.namespace, lease.key.run)
        found = yield saving.HELD_STEP(*moves.held(lease))
        if locked is None or not found:
            return Finished(is_accepted=False)
        run, micros = locked
        step = rows.to_step(found[0])
        if step.engine != "inline":
            ending = yield from _with_reported(step, ending)
        yield from marking.mark(lease.key, lease.attempt, ending.outcome)
        settled = yield from moves.finish_attempt(self._graphs, run, step, ending, from_micros(micros))
        if ending.log:
            yield from logs.add(lease, ending.log)
        claimed = (yield from claiming.claim(claimant, micros, settled.run)) if claimant else ()
        return Finished(
            is_accepted=True,
            is_run_over=settled.run.state.is_final,
            queued=settled.queued,
            has_timers=settled.has_timers,
            claimed=claimed,
        )

    def _stop(self, namespace: Namespace, uid: RunUid, stop: Stop, by: Identity) -> Transaction[Run]:
        run, micros = yield from _lock_open(namespace, uid)
        run = yield from moves.stop_run(self._graphs, run, stop, from_micros(micros))
        verb = "kill" if stop is Stop.KILL else "cancel" if stop is Stop.CANCEL else "time-out"
        yield auditing.record(micros, by, verb, namespace, "Run", run.name, {})
        return run

    def _pause(self, namespace: Namespace, uid: RunUid, is_paused: bool, by: Identity) -> Transaction[Run]:
        run, micros = yield from _lock_open(namespace, uid)
        if run.stopping is not None:
            raise Conflict(f"run {run.name} is being stopped")
        run = yield from moves.pause_run(self._graphs, run, is_paused, from_micros(micros))
        yield auditing.record(micros, by, "pause" if is_paused else "resume", namespace, "Run", run.name, {})
        return run


def _with_reported(step: StepRun, ending: Ending) -> Transaction[Ending]:
    """With the outputs that the attempt set while it ran; what its engine found at the end wins."""
    said = yield from reports.outputs_of(step.key, step.attempt)
    if not said:
        return ending
    return replace(ending, outcome=replace(ending.outcome, outputs={**said, **ending.outcome.outputs}))


def _claim(claimant: Claimant) -> Transaction[Claimed]:
    return (yield from claiming.claim_some(claimant, (yield NOW)[0][0]))


def _is_found(statement: Sql, args: tuple[object, ...]) -> Transaction[bool]:
    return bool((yield statement(*args)))


def _lock_open(namespace: Namespace, uid: RunUid) -> Transaction[tuple[Run, int]]:
    locked = yield from saving.lock_run(namespace, uid)
    if locked is None:
        raise NotFound(f"no run {uid} in namespace {namespace}")
    run, micros = locked
    if run.state.is_final:
        raise Conflict(f"run {run.name} has ended: {run.state}")
    return run, micros
