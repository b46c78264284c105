"""Checks of what decides in a trigger, its filter and keys apart: what cannot be asked, or never decides."""

from collections.abc import Iterator

from ensue.core import checking_filters, deciding, firing
from ensue.core.checking_paths import Path, render
from ensue.expr import subscriptions
from ensue.model.errors import Problem, Severity
from ensue.model.event import EVENTS
from ensue.model.trigger import Filter, Trigger


def check(trigger: Trigger) -> Iterator[Problem]:
    spec = trigger.spec
    yield from checking_filters.check_filters(spec)
    if spec.filter is not None:
        yield from _check_languages(spec.filter, ("spec", "filter"))
    if spec.dedupe is not None and not spec.dedupe.key:
        yield Problem(
            message="without a key every event is the same as the first",
            remedy="say what makes two events the same, as event.id",
            path="spec.dedupe.key",
        )


def hints(trigger: Trigger) -> Iterator[Problem]:
    """What is right, and seldom meant."""
    start = firing.start_of(trigger)
    if trigger.spec.filter is not None or (start is not None and start.when):
        return
    for position, source in enumerate(trigger.spec.sources):
        if source.type == EVENTS:
            yield Problem(
                message="without a filter it also sees what Ensue tells of itself, as the ends of its own runs",
                remedy='add one, as filter: event.type == "com.example.order"',
                path=render(("spec", "sources", position)),
                severity=Severity.HINT,
            )


def _check_languages(given: Filter, path: Path) -> Iterator[Problem]:
    for part, key in ((given.all, "all"), (given.any, "any")):
        for number, inner in enumerate(part or ()):
            yield from _check_languages(inner, (*path, key, number))
    if given.not_ is not None:
        yield from _check_languages(given.not_, (*path, "not"))
    for key, text in (("cue", given.cue), ("sql", given.sql)):
        if text is not None and key not in deciding.LANGUAGES:
            message = f"a filter in {subscriptions.TEXTS[key]} cannot be asked in this version"
            remedy = "until then the trigger decides nothing"
            yield Problem(message=message, remedy=remedy, path=render((*path, key)), severity=Severity.WARNING)
