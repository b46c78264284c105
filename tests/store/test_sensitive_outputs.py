"""Outputs that are not to be shown: marked as the attempt ends, kept as they are."""

from ensue.model.run import Outcome, State
from ensue.model.values import Json
from ensue.ports.store import Ending
from ensue.store.reports import ReportTable
from tests.core.playing import workflow
from tests.store.stores import Store


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
