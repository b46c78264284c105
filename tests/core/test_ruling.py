"""Why triggers that were no candidates had nothing to decide."""

from datetime import UTC, datetime

import pytest

from ensue.core import deciding, ruling
from ensue.model.decision import Conclusion, Reason
from ensue.model.event import EVENTS, Event
from ensue.model.trigger import Trigger
from ensue.model.values import DEFAULT_NAMESPACE

NOW = datetime(2026, 5, 4, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("filter", "conclusion", "reason"),
    [
        ("event.typ == 'a'", Conclusion.UNDECIDED, Reason.FILTER_FAILED),
        ("event.type == 'b'", Conclusion.NOT_FIRED, Reason.FILTER),
    ],
)
def test_a_filter_that_cannot_tell_leaves_a_trigger_undecided(
    filter: str, conclusion: Conclusion, reason: Reason
) -> None:
    spec = {"sources": [{"name": EVENTS, "type": EVENTS}], "filter": {"cel": filter}}
    actions = [{"name": "a", "run": "true"}]
    trigger = Trigger.model_validate({"metadata": {"name": "t"}, "spec": {**spec, "actions": actions}})
    event = Event(namespace=DEFAULT_NAMESPACE, uid="u", id="1", source="/s", type="a", time=NOW, source_key=EVENTS)
    found = ruling.explain(deciding.compile(trigger, "t", 1), event, NOW)
    assert (found.conclusion, found.reason) == (conclusion, reason)


@pytest.mark.parametrize(
    ("source_key", "note"),
    [
        (EVENTS, "none of its sources is `events`, by which the event came"),
        ("Source/shop", "none of its sources is the Source shop, by which the event came"),
        ("t/old", "it has no source old, by which the event came, any more"),
        ("known/hook", "the event came by hook, a source of the trigger shop"),
        ("gone/hook", "the event came by hook, a source of another trigger"),
    ],
)
def test_a_source_that_a_trigger_does_not_see_is_said_in_words(source_key: str, note: str) -> None:
    spec = {"sources": [{"name": "tick", "type": "cron", "with": {"every": "1h"}}]}
    actions = [{"name": "a", "run": "true"}]
    trigger = Trigger.model_validate({"metadata": {"name": "t"}, "spec": {**spec, "actions": actions}})
    event = Event(namespace=DEFAULT_NAMESPACE, uid="u", id="1", source="/s", type="a", time=NOW, source_key=source_key)
    found = ruling.explain(deciding.compile(trigger, "t", 1), event, NOW, {"known": "shop"})
    assert (found.reason, found.note) == (Reason.NOT_SEEN, note)
