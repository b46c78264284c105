"""Port History: reading runs."""

import pytest

from ensue.model.errors import InvalidInput, NotFound
from ensue.model.run import Run, State
from ensue.model.values import Namespace
from ensue.ports.store import RunFilter
from tests.core.playing import FAILED, outputs, workflow
from tests.store.stores import DEFAULT, Store

ONE_STEP = workflow([{"name": "a"}])
OTHER = Namespace("other")


async def uids(store: Store, select: RunFilter, limit: int = 2) -> list[str]:
    """Page by page."""
    found: list[str] = []
    after = ""
    while True:
        page = await store.history.runs(select, limit, after)
        assert len(page.items) <= limit
        found += [run.uid for run in page.items]
        if not page.after:
            return found
        after = page.after


def newest_first(*runs: Run) -> list[str]:
    return [run.uid for run in reversed(runs)]


async def test_a_run_is_found_by_name_and_by_uid(store: Store) -> None:
    run = await store.start(ONE_STEP, name="nightly")
    assert await store.history.run(DEFAULT, "nightly") == run
    assert await store.history.run(DEFAULT, run.uid) == run
    for namespace, name in ((DEFAULT, "other"), (OTHER, "nightly"), (OTHER, run.uid)):
        with pytest.raises(NotFound, match=f"no run {name} in namespace {namespace}"):
            await store.history.run(namespace, name)


async def test_runs_are_listed_newest_first_in_pages(store: Store) -> None:
    runs = [await store.start(ONE_STEP) for _ in range(5)]
    for limit in (1, 2, 4, 5, 6):
        assert await uids(store, RunFilter(namespace=DEFAULT), limit) == newest_first(*runs)


async def test_a_page_that_ends_with_the_last_run_is_the_last(store: Store) -> None:
    for _ in range(2):
        await store.start(ONE_STEP)
    assert (await store.history.runs(RunFilter(), 2)).after == ""


async def test_runs_that_start_between_two_pages_shift_nothing(store: Store) -> None:
    runs = [await store.start(ONE_STEP) for _ in range(4)]
    page = await store.history.runs(RunFilter(), 2)
    await store.start(ONE_STEP)
    rest = await store.history.runs(RunFilter(), 9, page.after)
    assert [run.uid for run in (*page.items, *rest.items)] == newest_first(*runs)


async def test_runs_are_filtered_by_namespace_workflow_state_and_labels(store: Store) -> None:
    a = await store.start(ONE_STEP, labels={"team": "x", "env": "prod"})
    await store.carry_on()
    b = await store.start(ONE_STEP, workflow="v", labels={"team": "x"})
    await store.carry_on({"a": FAILED})
    c = await store.start(ONE_STEP, labels={"team": "y", "env": "prod"})
    d = await store.start(ONE_STEP, namespace=OTHER, labels={"team": "x"})
    cases: list[tuple[RunFilter, list[str]]] = [
        (RunFilter(), newest_first(a, b, c, d)),
        (RunFilter(namespace=OTHER), [d.uid]),
        (RunFilter(namespace=Namespace("none")), []),
        (RunFilter(workflow="v"), [b.uid]),
        (RunFilter(workflow="w", namespace=DEFAULT), newest_first(a, c)),
        (RunFilter(states=(State.SUCCEEDED,)), [a.uid]),
        (RunFilter(states=(State.SUCCEEDED, State.FAILED)), newest_first(a, b)),
        (RunFilter(states=(State.FAILED, State.QUEUED, State.FAILED)), newest_first(b, c, d)),
        (RunFilter(states=(State.QUEUED,)), newest_first(c, d)),
        (RunFilter(states=(State.SKIPPED, State.PENDING)), []),
        (RunFilter(namespace=DEFAULT, workflow="v", states=(State.FAILED,)), [b.uid]),
        (RunFilter(namespace=DEFAULT, workflow="w", states=(State.FAILED,)), []),
        (RunFilter(workflow="w", states=(State.QUEUED, State.SUCCEEDED)), newest_first(a, c, d)),
        (RunFilter(labels={"team": "x"}), newest_first(a, b, d)),
        (RunFilter(labels={"team": "x"}, states=(State.FAILED, State.QUEUED)), newest_first(b, d)),
        (RunFilter(labels={"team": "x"}, states=(State.SUCCEEDED, State.QUEUED)), newest_first(a, d)),
        (RunFilter(namespace=DEFAULT, labels={"team": "x"}, workflow="v"), [b.uid]),
        (RunFilter(namespace=OTHER, labels={"env": "prod"}), []),
        (RunFilter(labels={"team": "x", "env": "prod"}), [a.uid]),
        (RunFilter(labels={"team": "x' OR 1=1 --"}), []),
        (RunFilter(namespace=DEFAULT, workflow="w", states=(State.QUEUED,), labels={"env": "prod"}), [c.uid]),
    ]
    for select, expected in cases:
        assert await uids(store, select) == expected, select


async def test_steps_come_in_the_order_of_the_definition(store: Store) -> None:
    run = await store.start(workflow([{"name": "z"}, {"name": "a"}, {"name": "m"}], [{"name": "b"}]))
    steps = await store.history.steps(DEFAULT, run.uid)
    assert [step.key.step for step in steps] == ["z", "a", "m", "b"]
    assert await store.history.steps(OTHER, run.uid) == ()


async def test_outputs_are_those_of_the_named_steps_that_have_ended(store: Store) -> None:
    run = await store.start(workflow([{"name": "a"}, {"name": "b"}, {"name": "c", "after": ["a"]}]))
    a, _ = await store.take()
    await store.end(a, outputs(x=1, y="ü"))
    assert await store.history.outputs(DEFAULT, run.uid, ["a", "b", "c", "none"]) == {"a": {"x": 1, "y": "ü"}}
    assert await store.history.outputs(DEFAULT, run.uid, []) == {}


async def test_the_audit_log_is_paged_newest_first(store: Store) -> None:
    runs = [await store.start(ONE_STEP) for _ in range(5)]
    await store.start(ONE_STEP, namespace=OTHER)
    first = await store.history.audit(DEFAULT, 3)
    second = await store.history.audit(DEFAULT, 3, first.after)
    assert second.after == ""
    assert [row.name for row in (*first.items, *second.items)] == [run.name for run in reversed(runs)]
    assert first.items[0].details == {"workflow": "w"}
    with pytest.raises(InvalidInput):
        await store.history.audit(DEFAULT, 3, "x")


async def test_a_run_is_found_by_the_key_it_was_started_with(store: Store) -> None:
    run = await store.start(workflow([{"name": "a"}]), start_key="k", start_digest="d")
    found = await store.history.started(DEFAULT, "k")
    assert found == run
    assert found is not None
    assert (found.start_key, found.start_digest) == ("k", "d")
    assert await store.history.started(Namespace("blue"), "k") is None
    assert await store.history.started(DEFAULT, "other") is None
