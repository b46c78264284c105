"""What filters see of an event."""

from datetime import UTC, datetime
from typing import Any

import pytest

from ensue.core import deciding, ruling
from ensue.expr.interface import Mapped
from ensue.model import event as events
from ensue.model.decision import Answer
from ensue.model.event import CRON_TICK, DataForm, Event
from ensue.model.trigger import Trigger
from ensue.model.values import DEFAULT_NAMESPACE

AT = datetime(2026, 1, 1, tzinfo=UTC)
POD = {"kind": "Pod", "metadata": {"name": "a"}}
TICK = {"schedule": "* * * * *", "timeZone": "", "timeFired": "2026-01-01T00:00:00Z"}


def made(**given: Any) -> Event:
    return Event(
        **{"namespace": DEFAULT_NAMESPACE, "uid": "u", "id": "i", "source": "/s", "type": "t", "time": AT, **given}
    )


@pytest.mark.parametrize(
    ("given", "context"),
    [
        ({"data": POD}, {"event": "same", "data": POD, "timestamp": "2026-01-01T00:00:00Z"}),
        ({"data_form": DataForm.NONE, "time_text": ""}, {"event": "same"}),
        (
            {"data": "text", "data_form": DataForm.TEXT, "time_text": "x"},
            {"event": "same", "data": "text", "timestamp": "x"},
        ),
    ],
)
def test_context_is_the_event_in_another_shape(given: dict[str, Any], context: dict[str, Any]) -> None:
    roots = events.roots(made(**given))
    assert roots["context"] == {**context, "event": roots["event"]}


def test_what_a_schedule_says_of_itself_is_event_and_data() -> None:
    context = events.roots(made(type=CRON_TICK, data=TICK))["context"]
    assert isinstance(context, dict)
    assert isinstance(context["event"], dict)
    assert (context["sourceType"], context["data"]) == ("cronjob", TICK)
    assert TICK.items() <= context["event"].items()


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ('context.data.kind == "Pod" && context.data.metadata.name.startsWith("a")', Answer.YES),
        ('context.event.type == "t" && context.timestamp == "2026-01-01T00:00:00Z"', Answer.YES),
        ('context.data.kind == "Job"', Answer.NO),
        ('context.sourceType == "cronjob"', Answer.COULD_NOT_TELL),
    ],
)
def test_filters_read_context_as_they_read_event(text: str, answer: Answer) -> None:
    spec = {
        "sources": [{"name": "e", "type": "events"}],
        "filter": {"cel": text},
        "actions": [{"name": "a", "type": "log"}],
    }
    trigger = Trigger.model_validate({"metadata": {"name": "t"}, "spec": spec})
    rule = deciding.compile(trigger, "uid", 1)
    event = made(data=POD)
    found = [proposal.verdict.answer for _, proposal in ruling.rule_by([rule]).propose(event, AT)]
    proposal = deciding.propose(rule, Mapped(roots=events.roots(event), now=AT), event.cause, {})
    assert proposal.verdict.answer is answer
    assert found == ([answer] if answer is Answer.YES else [])
