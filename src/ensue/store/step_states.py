"""The table of what steps were told (port StepStates)."""

from collections.abc import Mapping
from datetime import datetime

from ensue.core import planning
from ensue.model.errors import Conflict, NotFound, TooLarge
from ensue.model.identity import Identity
from ensue.model.run import Reason, Run
from ensue.model.values import Json, Namespace, RunUid, from_micros
from ensue.ports.step_states import LARGEST, StepState
from ensue.store import auditing, rows, saving
from ensue.store.driver import Driver
from ensue.store.statement import Sql, Transaction

GET = Sql("SELECT state FROM step_states WHERE namespace = $1 AND run = $2 AND step = $3")
ALL = Sql("SELECT step, state FROM step_states WHERE namespace = $1 AND run = $2 ORDER BY step")
HAS_STEP = Sql("SELECT 1 FROM step_runs WHERE namespace = $1 AND run = $2 AND step = $3 LIMIT 1")
WAITING = Sql(f"""
    SELECT {rows.columns(rows.STEP_KEY, rows.STEP_FIXED, rows.STEP_CHANGING)} FROM step_runs
    WHERE namespace = $1 AND run = $2 AND state = 'Waiting' AND reason = '{Reason.ANSWER}' {{for_update}}
""")
PUT = Sql("""
    INSERT INTO step_states (namespace, run, step, state, changed_at) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (namespace, run, step) DO UPDATE SET state = excluded.state, changed_at = excluded.changed_at
""")


class StepStateTable:
    def __init__(self, *, driver: Driver) -> None:
        self._driver = driver

    async def get(self, namespace: Namespace, run: RunUid, step: str) -> StepState:
        found = await self._driver.fetch(GET(namespace, run, step))
        return rows.load(found[0][0]) if found else {}

    async def all(self, namespace: Namespace, run: RunUid) -> Mapping[str, StepState]:
        return {step: rows.load(state) for step, state in await self._driver.fetch(ALL(namespace, run))}

    async def merge(self, namespace: Namespace, run: RunUid, step: str, given: StepState, by: Identity) -> StepState:
        return await self._driver.write(lambda: _merge(namespace, run, step, given, by))


def _merge(namespace: Namespace, uid: RunUid, step: str, given: StepState, by: Identity) -> Transaction[StepState]:
    locked = yield from saving.lock_run(namespace, uid)
    if locked is None:
        raise NotFound(f"no run {uid} in namespace {namespace}")
    return (yield from tell(locked[0], step, given, by, locked[1]))


def tell(run: Run, step: str, given: StepState, by: Identity, now: int) -> Transaction[StepState]:
    """Of a run that is locked. Raises NotFound, Conflict, TooLarge."""
    if not (yield HAS_STEP(run.namespace, run.uid, step)):
        raise NotFound(f"run {run.name} has no step {step}", remedy=f"`ensue describe run {run.name}` lists them")
    if run.state.is_final:
        raise Conflict(f"run {run.name} has ended: {run.state}")
    state = yield from put(run.namespace, run.uid, step, given, now)
    yield from ask_again(run, from_micros(now))
    told: dict[str, Json] = {"step": step, "keys": [*sorted(given)]}
    yield auditing.record(now, by, "set-state", run.namespace, "Run", run.name, told)
    return state


def of(namespace: Namespace, uid: RunUid, step: str) -> Transaction[StepState]:
    """What the step was told; empty where that is nothing."""
    found = yield GET(namespace, uid, step)
    return rows.load(found[0][0]) if found else {}


def put(namespace: Namespace, uid: RunUid, step: str, given: StepState, now: int) -> Transaction[dict[str, Json]]:
    """All that the step, of a run that is locked, was told. Raises TooLarge."""
    known = yield from of(namespace, uid, step)
    state: dict[str, Json] = {**known, **given}
    dumped = rows.dump(state)
    if (size := len(dumped.encode())) > LARGEST:
        raise TooLarge(f"the state of step {step} would have {size} bytes", remedy=f"at most {LARGEST} are kept")
    yield PUT.quietly(namespace, uid, step, dumped, now)
    return state


def ask_again(run: Run, now: datetime) -> Transaction[None]:
    """What waits for an answer becomes ready, to look whether this is it."""
    for row in (yield WAITING(run.namespace, run.uid)):
        step = rows.to_step(row)
        ready = planning.ask_again(run, step, now)
        yield saving.UPDATE_STEP.quietly(*rows.step_changing(ready), *rows.step_key(step.key))
