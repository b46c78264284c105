"""Outputs that are not to be shown: marked as the attempt ends, kept as they are."""

from ensue.model.run import Outcome, Run, State
from ensue.model.values import Json
from ensue.ports.store import Ending, RunFilter
from ensue.store.reports import ReportTable
from tests.core.playing import workflow
from tests.store.stores import ANN, Store


async def test_an_output_is_marked_with_the_end_of_its_attempt_and_kept_as_it_is(store: Store) -> None:
    await store.start(workflow([{"name": "a"}]))
    lease = await store.take_one()
    outputs: dict[str, Json] = {"x": "s3cret", "y": 1}
    outcome = Outcome(state=State.SUCCEEDED, outputs=outputs, sensitive=frozenset({"x", "not-there"}))
    assert (await store.runs.finish(lease, Ending(outcome=outcome))).is_accepted
    table = ReportTable(driver=store.driver)
    report = (await table.of_run(lease.key.namespace, lease.key.run))[lease.key]
    assert report.sensitive == {"x"}
    (step,) = await store.history.steps(lease.key.namespace, lease.key.run)
    assert step.outputs == outputs
    read = await table.output(lease.key.namespace, lease.key.run, "a", "x")
    assert read is not None
    assert (read.value, read.is_sensitive) == ("s3cret", True)


OUTPUTS = [
    {"name": "whole", "value": "${outputs.a}"},
    {"name": "part", "value": "key ${outputs.a.x}"},
    {"name": "open", "value": "${outputs.a.y}"},
]


async def ended(store: Store) -> Run:
    """A run with outputs of its own, one of whose step's is sensitive."""
    await store.start(workflow([{"name": "a"}], outputs=OUTPUTS))
    lease = await store.take_one()
    outcome = Outcome(state=State.SUCCEEDED, outputs={"x": "s3cret", "y": 1}, sensitive=frozenset({"x"}))
    assert (await store.runs.finish(lease, Ending(outcome=outcome))).is_run_over
    return await store.history.run(lease.key.namespace, lease.key.run)


async def test_outputs_of_a_run_that_hold_a_sensitive_one_are_sensitive_and_kept_as_they_are(store: Store) -> None:
    run = await ended(store)
    assert run.outputs == {"whole": {"x": "s3cret", "y": 1}, "part": "key s3cret", "open": 1}
    assert run.sensitive == {"whole", "part"}
    assert run.shown_outputs == {"open": 1}
    (listed,) = (await store.history.runs(RunFilter(), 10)).items
    assert listed == run


async def test_the_event_of_the_end_does_not_show_them(store: Store) -> None:
    await ended(store)
    (told,) = [one for one in await store.feed.outbox() if one.event.type.endswith("succeeded.v1")]
    assert isinstance(told.event.data, dict)
    assert told.event.data["outputs"] == {"open": 1}


async def test_a_rerun_that_takes_them_over_does_not_show_them_either(store: Store) -> None:
    old = await ended(store)
    steps = await store.history.steps(old.namespace, old.uid)
    again = await store.prepared(workflow([{"name": "a"}], outputs=OUTPUTS), rerun_of=old.uid)
    await store.runs.start(again, ANN, reused=steps)
    run = await store.history.run(again.namespace, again.uid)
    assert (run.state, sorted(run.sensitive)) == (State.SUCCEEDED, ["part", "whole"])
    (report,) = (await store.reports.of_run(run.namespace, run.uid)).values()
    assert report.sensitive == {"x"}
