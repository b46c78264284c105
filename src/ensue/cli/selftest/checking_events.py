"""What must be true of the events, decisions and runs that senders caused."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ensue.cli.selftest import senders
from ensue.cli.selftest.senders import Delivery
from ensue.model.decision import Conclusion
from ensue.model.run import State
from ensue.store.driver import Driver
from ensue.store.statement import Sql

STORED = Sql("SELECT id, uid, type FROM events WHERE namespace = $1 AND source = $2")
DECIDED = Sql("SELECT event, trigger_name, conclusion, run FROM decisions WHERE namespace = $1")
STARTED = Sql("SELECT uid, event_uid, trigger_name, state FROM runs WHERE namespace = $1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Rows of the store: `stored` by the sender's id, `decided` by the event's uid, `started` by the run's."""

    deliveries: Sequence[Delivery]
    stored: dict[str, list[str]]
    types: dict[str, str]
    decided: dict[str, list[tuple[str, str, str | None]]]
    started: dict[str, tuple[str, str, str]]

    @property
    def fired(self) -> int:
        return sum(conclusion == Conclusion.FIRED for each in self.decided.values() for _, conclusion, _ in each)


async def collect(driver: Driver, deliveries: Sequence[Delivery]) -> Evidence:
    """From the store of servers that have ended."""
    stored: defaultdict[str, list[str]] = defaultdict(list)
    types: dict[str, str] = {}
    for id, uid, type in await driver.fetch(STORED(senders.NAMESPACE, senders.SOURCE)):
        stored[id].append(uid)
        types[uid] = type.rpartition(".")[2]
    decided: defaultdict[str, list[tuple[str, str, str | None]]] = defaultdict(list)
    for event, trigger, conclusion, run in await driver.fetch(DECIDED(senders.NAMESPACE)):
        decided[event].append((trigger, conclusion, run))
    rows = await driver.fetch(STARTED(senders.NAMESPACE))
    started = {uid: (event, trigger, state) for uid, event, trigger, state in rows}
    return Evidence(deliveries=deliveries, stored=stored, types=types, decided=decided, started=started)


def judge(evidence: Evidence) -> list[str]:
    """A sentence for everything that must not be."""
    return [*_stored(evidence), *_decided(evidence), *_started(evidence), *_windows(evidence)]


def _stored(evidence: Evidence) -> Iterator[str]:
    """What was accepted is there, once, under the uid of the answer."""
    for id, uids in evidence.stored.items():
        if len(uids) > 1:
            yield f"event {id} is stored {len(uids)} times"
    for delivery in evidence.deliveries:
        if delivery.uid and evidence.stored.get(delivery.id) != [delivery.uid]:
            yield f"event {delivery.id} was accepted as {delivery.uid} and is stored as {evidence.stored[delivery.id]}"


def _decided(evidence: Evidence) -> Iterator[str]:
    """Each event of a type by the trigger of that name, once, in one version; none by any other."""
    for uid, type in evidence.types.items():
        triggers = [trigger for trigger, _, _ in evidence.decided.get(uid, ())]
        if triggers != ([] if type == senders.NONE else [type]):
            yield f"event {uid} of type {type} was decided about by {triggers}"
        for trigger, conclusion, _ in evidence.decided.get(uid, ()):
            if conclusion == Conclusion.HELD:
                yield f"trigger {trigger} still holds event {uid}"
            if type == senders.EACH and conclusion != Conclusion.FIRED:
                yield f"trigger {trigger} did not fire on event {uid}: {conclusion}"


def _started(evidence: Evidence) -> Iterator[str]:
    """Each decision that fired has its run, each run its decision, and each run ended as it had to."""
    fired = {
        run: (event, trigger)
        for event, decisions in evidence.decided.items()
        for trigger, conclusion, run in decisions
        if conclusion == Conclusion.FIRED and run is not None
    }
    for run, (event, trigger) in fired.items():
        if run not in evidence.started:
            yield f"trigger {trigger} fired on event {event}, and its run {run} is not there"
    for run, (event, trigger, state) in evidence.started.items():
        if fired.get(run) != (event, trigger):
            yield f"run {run} of trigger {trigger} began without a decision about event {event}"
        if state != State.SUCCEEDED:
            yield f"run {run} of trigger {trigger} is {state}"


def _windows(evidence: Evidence) -> Iterator[str]:
    """Of a key, dedupe and throttle let one pass; debounce lets the last one pass, whatever came before."""
    sent: defaultdict[tuple[str, str], list[Delivery]] = defaultdict(list)
    for delivery in evidence.deliveries:
        if delivery.id in evidence.stored:
            sent[delivery.type, delivery.key].append(delivery)
    for (type, key), deliveries in sent.items():
        passed = Counter(each.id for each in deliveries if _has_fired(evidence, each))
        if type in (senders.FIRST, senders.ONCE) and sum(passed.values()) != 1:
            yield f"trigger {type} fired {sum(passed.values())} times for key {key}, on {sorted(passed)}"
        if type == senders.LAST and deliveries[-1].id not in passed:
            yield f"trigger {type} did not fire on {deliveries[-1].id}, the last event of key {key}"


def _has_fired(evidence: Evidence, delivery: Delivery) -> bool:
    return any(
        conclusion == Conclusion.FIRED
        for uid in evidence.stored[delivery.id]
        for _, conclusion, _ in evidence.decided.get(uid, ())
    )
