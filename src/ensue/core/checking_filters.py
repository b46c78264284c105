"""Checks of what decides about an event, without an event: a trigger's filter and the keys of its windows."""

from collections.abc import Iterator

from ensue.core.checking_expressions import at
from ensue.core.checking_paths import Path, render
from ensue.expr import spelling, subscriptions
from ensue.model.errors import Problem, Severity
from ensue.model.trigger import Filter, TriggerSpec

ROOTS = ("event", "context")
KNOWN = (
    "id",
    "source",
    "type",
    "subject",
    "time",
    "data",
    "data_base64",
    "datacontenttype",
    "dataschema",
    "specversion",
)
"""What an event has beside its extensions."""
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
    for attribute, position in cel.fields(text, ROOTS[0]):
        meant = "" if attribute in KNOWN else _meant(attribute)
        if meant:
            yield Problem(
                message=at(f"no event of the usual kind has event.{attribute}", position, text),
                remedy=f"did you mean event.{meant}?",
                path=render(path),
                severity=Severity.HINT,
            )


def _meant(attribute: str) -> str:
    """The attribute within a letter or two; any other name may be an extension."""
    lower = attribute.lower()
    near = {known: spelling.distance(lower, known) for known in KNOWN if abs(len(known) - len(lower)) < 3}
    best = min(near, key=lambda known: near[known], default="")
    return best if best and near[best] <= (1 if len(best) < 6 else 2) < len(lower) else ""
