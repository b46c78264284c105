"""Checks of what decides in a trigger: its filter, the keys of its windows, the names of its sources."""

from collections.abc import Iterator

from ensue.core import checking_paths, deciding
from ensue.core.checking_paths import Path, render
from ensue.expr import cel, subscriptions
from ensue.expr.interface import Error
from ensue.model.errors import Problem, Severity
from ensue.model.trigger import Filter, Trigger

ROOTS = ("event",)
"""What filters and keys may read."""


def check(trigger: Trigger) -> Iterator[Problem]:
    spec = trigger.spec
    if spec.filter is not None:
        yield from _check_filter(spec.filter, ("spec", "filter"))
    for name, text in deciding.key_texts(trigger):
        if text:
            yield from _check_cel(text, ("spec", name, "key"), "dyn")
    if spec.dedupe is not None and not spec.dedupe.key:
        yield Problem(
            message="without a key every event is the same as the first",
            remedy="say what makes two events the same, as event.id",
            path="spec.dedupe.key",
        )


def _check_filter(given: Filter, path: Path) -> Iterator[Problem]:
    if given.cel is not None:
        yield from _check_cel(given.cel, (*path, "cel"), "bool")
        return
    for part, key in ((given.all, "all"), (given.any, "any")):
        for number, inner in enumerate(part or ()):
            yield from _check_filter(inner, (*path, key, number))
    if given.not_ is not None:
        yield from _check_filter(given.not_, (*path, "not"))
    for key, text in (("cue", given.cue), ("sql", given.sql)):
        if text is not None and key not in deciding.LANGUAGES:
            message = f"a filter in {subscriptions.TEXTS[key]} cannot be asked in this version"
            remedy = "until then the trigger decides nothing"
            yield Problem(message=message, remedy=remedy, path=render((*path, key)), severity=Severity.WARNING)
            return
    if given.all is None and given.any is None and given.not_ is None:
        error = deciding.filter_program(given).error
        if error is not None:
            yield _problem(error, path)


def _problem(error: Error, path: Path) -> Problem:
    """The parser of filter objects begins its messages with a path of its own: `filter.exact.type: …`."""
    where, separator, message = error.message.partition(": ")
    if not separator or not where.startswith("filter"):
        return Problem(message=error.message, path=render(path))
    return Problem(message=message, path=render((*path, *checking_paths.parse(where)[1:])))


def _check_cel(text: str, path: Path, wants: str) -> Iterator[Problem]:
    for error in cel.check(text, roots=ROOTS, wants=wants):
        yield Problem(message=f"{error.message} at character {error.position + 1}", path=render(path))
