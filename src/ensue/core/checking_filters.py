"""Checks of what decides about an event, without an event: a trigger's filter and the keys of its windows."""

from collections.abc import Iterator

from ensue.core.checking_expressions import at
from ensue.core.checking_paths import Path, render
from ensue.expr import subscriptions
from ensue.model.errors import Problem
from ensue.model.trigger import Filter, TriggerSpec

ROOTS = ("event", "context")
_ATTRIBUTES = ("exact", "prefix", "suffix")


def check_filters(spec: TriggerSpec) -> Iterator[Problem]:
    if spec.filter is not None:
        yield from _check_filter(spec.filter, ("spec", "filter"))
    for name, window in (("dedupe", spec.dedupe), ("throttle", spec.throttle), ("debounce", spec.debounce)):
        if window is not None and window.key:
            yield from _check_cel(window.key, ("spec", name, "key"), "dyn")


def _check_filter(filter: Filter, path: Path) -> Iterator[Problem]:
    if filter.cel is not None:
        yield from _check_cel(filter.cel, (*path, "cel"), "bool")
    for name, parts in (("all", filter.all), ("any", filter.any)):
        for position, part in enumerate(parts or ()):
            yield from _check_filter(part, (*path, name, position))
    if filter.not_ is not None:
        yield from _check_filter(filter.not_, (*path, "not"))
    for name in _ATTRIBUTES:
        attributes: dict[str, str] = getattr(filter, name) or {}
        for attribute, wanted in attributes.items():
            error = subscriptions.parse({name: {attribute: wanted}}).error
            if error is not None:
                message = error.message.partition(": ")[2]
                yield Problem(message=message, path=render((*path, name, attribute)))


def _check_cel(text: str, path: Path, wants: str) -> Iterator[Problem]:
    from ensue.expr import cel

    for error in cel.check(text, roots=ROOTS, wants=wants):
        message, _, remedy = error.message.partition("; ")
        yield Problem(message=at(message, error.position, text), remedy=remedy, path=render(path))
