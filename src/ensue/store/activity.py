"""What went on lately (port Activity)."""

from ensue.model.decision import Conclusion
from ensue.model.values import Namespace, from_micros
from ensue.ports.activity import RECENT, Decided, LastEvent, WindowUse
from ensue.store import rows
from ensue.store.driver import Driver
from ensue.store.statement import Row, Sql, Transaction

# No index leads from a source or trigger to its events: they would cost every event, and this is asked rarely.
_RECENT = """
    SELECT xid, seq, uid, type, source_key, stored_at FROM events WHERE namespace = $1
    ORDER BY {latest_first} LIMIT $2
"""
LAST_EVENT = Sql(f"""
    SELECT uid, type, stored_at FROM ({_RECENT}) recent WHERE source_key = $3 ORDER BY {{latest_first}} LIMIT 1
""")
_DECIDED = f"({_RECENT}) recent JOIN decisions d ON d.namespace = $1 AND d.event = recent.uid AND d.trigger_uid = $3"
COUNTS = Sql(f"SELECT d.conclusion, count(*) FROM {_DECIDED} GROUP BY d.conclusion ORDER BY d.conclusion")
LAST_FIRED = Sql(f"""
    SELECT recent.uid, recent.type, d.decided_at FROM {_DECIDED} WHERE d.conclusion = 'fired'
    ORDER BY d.decided_at DESC LIMIT 1
""")
WINDOWS = Sql("""
    SELECT kind, count(*), count(due_at), min(due_at) FROM windows
    WHERE namespace = $1 AND kind IN ('debounce', 'dedupe', 'throttle') AND trigger_uid = $2 GROUP BY kind ORDER BY kind
""")


class Activity:
    def __init__(self, *, driver: Driver) -> None:
        self._driver = driver

    async def last_event(self, namespace: Namespace, source_key: str) -> LastEvent | None:
        found = await self._driver.fetch(LAST_EVENT(namespace, RECENT, source_key))
        return _last(found[0]) if found else None

    async def decided(self, namespace: Namespace, trigger: str) -> Decided:
        return await self._driver.read(lambda: _decided(namespace, trigger))

    async def windows(self, namespace: Namespace, trigger: str) -> tuple[WindowUse, ...]:
        found = await self._driver.fetch(WINDOWS(namespace, trigger))
        return tuple(
            WindowUse(kind=kind, keys=keys, held=held, next_at=rows.moment(next_at))
            for kind, keys, held, next_at in found
        )


def _decided(namespace: Namespace, trigger: str) -> Transaction[Decided]:
    counts = yield COUNTS(namespace, RECENT, trigger)
    fired = yield LAST_FIRED(namespace, RECENT, trigger)
    return Decided(
        counts={Conclusion(conclusion): count for conclusion, count in counts},
        last_fired=_last(fired[0]) if fired else None,
    )


def _last(row: Row) -> LastEvent:
    uid, type, at = row
    return LastEvent(uid=uid, type=type, at=from_micros(at))
