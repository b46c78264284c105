"""How sources and triggers are, as the JSON of the API. Pure."""

from collections.abc import Sequence

from ensue.api.views import View, moment
from ensue.operations.sources import SourceBrief, SourceStory, TriggerStory
from ensue.ports.activity import RECENT, LastEvent


def source(story: SourceStory, namespace: str, base: str) -> View:
    """`base` is the address of the server."""
    return {"kind": "Source", "namespace": namespace, **_source(story, base)}


def trigger(story: TriggerStory, namespace: str, base: str) -> View:
    return {
        "kind": "Trigger",
        "namespace": namespace,
        "name": story.name,
        "state": story.state,
        "message": story.message,
        "sources": [_source(each, base) for each in story.sources],
        "decisions": {
            "amongEvents": RECENT,
            "counts": {conclusion.value: count for conclusion, count in story.decided.counts.items()},
            "lastFired": _event(story.decided.last_fired),
        },
        "windows": [
            {"kind": each.kind, "keys": each.keys, "held": each.held, "nextTime": moment(each.next_at)}
            for each in story.windows
        ],
    }


def briefs(found: Sequence[SourceBrief]) -> list[View]:
    """How sources are, in lists and objects."""
    return [
        {"key": each.key, "state": each.state, "message": each.message, "nextTime": moment(each.next_at)}
        for each in found
    ]


def _source(story: SourceStory, base: str) -> View:
    return {
        "name": story.name,
        "key": story.key,
        "type": story.type,
        "state": story.state,
        "message": story.message,
        "notes": list(story.notes),
        "triggers": list(story.triggers),
        "hook": f"{base}{story.hook}" if story.hook else "",
        "nextTimes": [moment(each) for each in story.next_times],
        "lastEvent": _event(story.last_event),
        "lastError": story.last_error,
        "failureTime": moment(story.failed_at),
        "refused": [
            {"reason": each.reason, "message": each.message, "count": each.count, "time": moment(each.at)}
            for each in story.refused
        ],
    }


def _event(found: LastEvent | None) -> View | None:
    return None if found is None else {"uid": found.uid, "type": found.type, "time": moment(found.at)}
