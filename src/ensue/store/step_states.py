"""The table of what steps were told (port StepStates)."""

from collections.abc import Mapping

from ensue.model.errors import Conflict, NotFound, TooLarge
from ensue.model.identity import Identity
from ensue.model.values import Json, Namespace, RunUid
from ensue.ports.step_states import LARGEST, StepState
from ensue.store import auditing, rows, saving
from ensue.store.driver import Driver
from ensue.store.statement import Sql, Transaction

GET = Sql("SELECT state FROM step_states WHERE namespace = $1 AND run = $2 AND step = $3")
ALL = Sql("SELECT step, state FROM step_states WHERE namespace = $1 AND run = $2 ORDER BY step")
HAS_STEP = Sql("SELECT 1 FROM step_runs WHERE namespace = $1 AND run = $2 AND step = $3 LIMIT 1")
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
    run, now = locked
    if not (yield HAS_STEP(namespace, uid, step)):
        raise NotFound(f"run {run.name} has no step {step}", remedy=f"`ensue describe run {run.name}` lists them")
    if run.state.is_final:
        raise Conflict(f"run {run.name} has ended: {run.state}")
    found = yield GET(namespace, uid, step)
    state: dict[str, Json] = {**(rows.load(found[0][0]) if found else {}), **given}
    dumped = rows.dump(state)
    if (size := len(dumped.encode())) > LARGEST:
        raise TooLarge(f"the state of step {step} would have {size} bytes", remedy=f"at most {LARGEST} are kept")
    yield PUT.quietly(namespace, uid, step, dumped, now)
    told: dict[str, Json] = {"step": step, "keys": [*sorted(given)]}
    yield auditing.record(now, by, "set-state", namespace, "Run", run.name, told)
    return state
