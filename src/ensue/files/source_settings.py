"""The types of sources and their `with`, judged by the models that the source types bring, in the words of the file."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Literal, get_args, get_origin

from pydantic import ValidationError

from ensue.core import checking
from ensue.core.checking_paths import Path, render
from ensue.expr.spelling import did_you_mean
from ensue.files import complaints
from ensue.model.definition import Strict
from ensue.model.errors import Problem
from ensue.model.source import Source
from ensue.model.trigger import Trigger
from ensue.model.values import Json

MANY_KEYS = 12


def check(definition: Trigger | Source, known: checking.Known) -> Iterator[Problem]:
    """What is wrong with the types and settings of a Source, or of a trigger's own sources."""
    if isinstance(definition, Source):
        yield from _check(definition.spec.type, definition.spec.with_, ("spec",), known)
        return
    for position, source in enumerate(definition.spec.sources):
        if source.type is not None:
            yield from _check(source.type, source.with_, ("spec", "sources", position), known)


def _check(kind: str, given: Mapping[str, Json], path: Path, known: checking.Known) -> Iterator[Problem]:
    types = {*checking.SOURCE_TYPES, *known.source_types}
    if kind not in types:
        remedy = did_you_mean(kind, types) or f"one of {', '.join(sorted(types))}"
        yield Problem(message=f'there is no source type "{kind}"', remedy=remedy, path=render((*path, "type")))
    elif kind == "events" and given:
        yield Problem(
            message="the source `events` has no settings", remedy="remove `with`", path=render((*path, "with"))
        )
    elif model := known.source_types.get(kind):
        yield from _judge(model, dict(given), (*path, "with"))


def _judge(model: type[Strict], given: dict[str, Json], path: Path) -> Iterator[Problem]:
    try:
        model.model_validate(given)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)[: checking.MAX_PROBLEMS]
        unknown = [each for each in found if each["type"] == "extra_forbidden"]
        for each in unknown:
            yield _unknown_key(each["loc"], model, given, path)
        others = [each for each in found if each["type"] != "extra_forbidden"]
        for where, problem in complaints.complain(others, given):
            yield replace(problem, path=render((*path, *where)))


def _unknown_key(location: tuple[str | int, ...], model: type[Strict], given: Json, path: Path) -> Problem:
    where, keys = complaints.locate(location, given), _keys(model, location[:-1])
    remedy = did_you_mean(str(where[-1]), keys)
    if not remedy and len(keys) <= MANY_KEYS:
        remedy = f"the keys here are {', '.join(keys)}"
    return Problem(message=f'unknown key "{where[-1]}"', remedy=remedy, path=render((*path, *where)))


def _keys(model: type[Strict], location: tuple[str | int, ...]) -> list[str]:
    """Of the model that the location, with pydantic's tags of alternatives, leads to."""
    models = [model]
    for part in location:
        fields = [info for each in models for name, info in each.model_fields.items() if part in (name, info.alias)]
        if fields:
            models = [inner for info in fields for inner in _models(info.annotation)]
        else:
            models = [each for each in models if part in _tags(each)] or models
    return list(dict.fromkeys(info.alias or name for each in models for name, info in each.model_fields.items()))


def _models(annotation: Any) -> Iterable[type[Strict]]:
    if isinstance(annotation, type) and get_origin(annotation) is None:
        return [annotation] if issubclass(annotation, Strict) else []
    return [model for inner in get_args(annotation) for model in _models(inner)]


def _tags(model: type[Strict]) -> tuple[Any, ...]:
    field = model.model_fields.get("type")
    return get_args(field.annotation) if field is not None and get_origin(field.annotation) is Literal else ()
