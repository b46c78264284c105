"""The planner on random graphs, with outcomes and interruptions in random order."""

from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ensue.core import planning
from ensue.model.run import Outcome, Phase, State
from ensue.model.workflow import Workflow
from tests.core.playing import ASLEEP, FAILED, LOST, SKIPPED, SUCCEEDED, TIMED_OUT, Play, workflow

ENDS = ("succeeded", "failed", "skipped", "cancelled", "timedout", "any")
OUTCOMES = (
    SUCCEEDED,
    FAILED,
    TIMED_OUT,
    SKIPPED,
    LOST,
    ASLEEP,
    Outcome(state=State.FAILED, continues_on_error=True),
    Outcome(state=State.FAILED, can_retry=False),
    Outcome(state=State.FAILED, retry_after=3.0),
    Outcome(state=State.SUCCEEDED, ends_as=State.FAILED),
    Outcome(state=State.SUCCEEDED, ends_as=State.SUCCEEDED),
)
MOVES = (
    "claim",
    "finish",
    "finish",
    "finish",
    "wake",
    "expire",
    "cancel",
    "kill",
    "timeout",
    "pause",
    "resume",
    "late",
)


@st.composite
def parts(draw: st.DrawFn, prefix: str, least: int, most: int) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = []
    for number in range(draw(st.integers(least, most))):
        before = [step["name"] for step in steps]
        chosen = draw(st.lists(st.sampled_from(before), unique=True, max_size=3)) if before else []
        after = {name: draw(st.lists(st.sampled_from(ENDS), min_size=1, max_size=3, unique=True)) for name in chosen}
        steps.append(
            {
                "name": f"{prefix}{number}",
                "after": after,
                "retry": {"limit": draw(st.integers(0, 2))},
                "onLost": draw(st.sampled_from(["rerun", "fail"])),
                "continueOnError": draw(st.sampled_from(["false", "false", "true", "${parameters.x}"])),
            }
        )
    order = draw(st.permutations(range(len(steps))))
    return [steps[index] for index in order]


@st.composite
def workflows(draw: st.DrawFn) -> Workflow:
    return workflow(draw(parts("m", 1, 6)), draw(parts("f", 0, 3)))


def play_out(play: Play, scripts: Mapping[str, Sequence[Outcome]], data: st.DataObject, moves: Sequence[str]) -> None:
    """Random moves for a while, then no more interruptions until the run has ended."""
    for turn in range(60):
        if play.run.state.is_final:
            break
        step(play, scripts, data, data.draw(st.sampled_from(moves), label=f"move {turn}"))
    play.pause(is_paused=False)
    for _ in range(500):
        if play.run.state.is_final:
            return
        for move in ("claim", "finish", "wake"):
            step(play, scripts, data, move)
    raise AssertionError(f"the run does not end: {play.run} {play.states()}")


def step(play: Play, scripts: Mapping[str, Sequence[Outcome]], data: st.DataObject, move: str) -> None:
    match move:
        case "cancel" | "kill":
            play.stop(is_kill=move == "kill")
        case "timeout":
            play.stop(State.TIMED_OUT)
        case "pause" | "resume":
            play.pause(is_paused=move == "pause")
        case "late":
            for name in play.names(State.RUNNING)[:1]:
                assert not play.finish(name, SUCCEEDED, epoch=play[name].lease_epoch - 1)
        case _:
            states = {"claim": State.QUEUED, "expire": State.QUEUED, "finish": State.RUNNING, "wake": State.WAITING}
            if names := play.names(states[move]):
                act(play, scripts, move, data.draw(st.sampled_from(names), label=move))


def act(play: Play, scripts: Mapping[str, Sequence[Outcome]], move: str, name: str) -> None:
    match move:
        case "claim":
            play.claim(name)
        case "wake":
            play.wake(name)
        case "expire":
            play.expire_pending(name)
        case _:
            script = scripts[name]
            assert play.finish(name, script[min(play[name].attempt, len(script)) - 1])


def scripts_for(data: st.DataObject, made: Workflow) -> dict[str, list[Outcome]]:
    outcomes = st.lists(st.sampled_from(OUTCOMES), min_size=1, max_size=4)
    names = [item.name for item in (*made.spec.steps, *made.spec.finally_)]
    return {name: data.draw(outcomes, label=f"outcomes of {name}") for name in names}


@settings(deadline=None, max_examples=150)
@given(workflows(), st.data())
def test_every_run_ends_once_whatever_happens_and_the_invariants_hold_at_every_moment(
    made: Workflow, data: st.DataObject
) -> None:
    play = Play(made)
    play_out(play, scripts_for(data, made), data, MOVES)
    before = play.run, dict(play.steps)
    for name in play.steps:
        assert not play.finish(name, FAILED)
    assert (play.run, play.steps) == before


@settings(deadline=None, max_examples=100)
@given(workflows(), st.data())
def test_the_order_in_which_outcomes_come_in_does_not_matter(made: Workflow, data: st.DataObject) -> None:
    scripts = scripts_for(data, made)
    ends = []
    for _ in range(2):
        play = Play(made)
        play_out(play, scripts, data, ("claim", "finish", "wake", "pause", "resume"))
        ends.append((play.run.state, play.run.reason, play.run.failed_step, play.states()))
        attempts = {name: (step.attempt, step.retries, step.losses) for name, step in play.steps.items()}
        ends.append((*ends.pop(), attempts))  # type: ignore[arg-type]
    assert ends[0] == ends[1]


@settings(deadline=None, max_examples=60)
@given(workflows(), st.data())
def test_a_run_that_is_stopped_starts_nothing_more_but_finally(made: Workflow, data: st.DataObject) -> None:
    scripts = scripts_for(data, made)
    play = Play(made)
    for turn in range(data.draw(st.integers(0, 8))):
        step(play, scripts, data, data.draw(st.sampled_from(["claim", "finish"]), label=f"move {turn}"))
    was_over, phase = play.run.state.is_final, play.run.phase
    is_kill = data.draw(st.booleans(), label="kill")
    play.stop(is_kill=is_kill)
    play.started.clear()
    play_out(play, scripts, data, ("claim", "finish", "wake"))
    assert all(play.graph.nodes[name].is_finally and not is_kill for name in play.started)
    if not was_over:
        assert play.run.state is State.CANCELLED
        finals = {play[name].state for name in play.graph.finals}
        if is_kill and phase is Phase.MAIN:
            assert finals <= {State.CANCELLED}


@settings(deadline=None, max_examples=60)
@given(workflows(), st.data())
def test_losses_are_bounded(made: Workflow, data: st.DataObject) -> None:
    play = Play(made)
    play_out(play, {name: [LOST] for name in play.steps}, data, ("claim", "finish"))
    bound = (planning.MAX_LOSSES + 1) * len(play.steps)
    assert len(play.started) <= bound


@settings(deadline=None, max_examples=60)
@given(workflows(), st.data())
def test_the_same_moves_give_the_same_rows(made: Workflow, data: st.DataObject) -> None:
    scripts = scripts_for(data, made)
    moves = data.draw(st.lists(st.sampled_from(MOVES), max_size=30))
    ends = []
    for _ in range(2):
        play = Play(made)
        for move in moves:
            match move:
                case "claim" | "expire" | "finish" | "wake":
                    states = {"claim": State.QUEUED, "expire": State.QUEUED, "finish": State.RUNNING}
                    for name in play.names(states.get(move, State.WAITING))[:1]:
                        act(play, scripts, move, name)
                case _:
                    step(play, scripts, data, move)
        ends.append((play.run, play.steps))
    assert ends[0] == ends[1]
