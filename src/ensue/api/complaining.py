"""What is wrong with queries and bodies, in words of ours: a sentence, and what would be right."""

from collections.abc import Collection, Iterator
from typing import Any

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.requests import HTTPConnection

from ensue.expr.spelling import did_you_mean
from ensue.model.errors import InvalidInput
from ensue.model.values import NAME_PATTERN, STEP_TITLE_PATTERN

NAME = "use a-z, 0-9, `-` and `_`, a letter or digit first, at most 63"
CURSOR = "take it from metadata.continue of the page before, or leave it out"


async def require_known(connection: HTTPConnection) -> None:
    """Of every route. Raises InvalidInput for what a query says and its route does not ask: a list that was to be
    narrowed would be whole, a rehearsal would be the deed. Routes that ask nothing mind nothing."""
    route = connection.scope.get("route")
    if connection.scope["query_string"] and isinstance(route, APIRoute):
        require_asked(connection, set(_asked(route.dependant)))


def require_asked(connection: HTTPConnection, known: Collection[str]) -> None:
    for name in connection.query_params if known else ():
        if name not in known:
            remedy = did_you_mean(name, known) or f"{', '.join(sorted(known))} can be"
            raise InvalidInput(f'nothing is asked with "{name}"', remedy=remedy)


def _asked(dependant: Dependant) -> Iterator[str]:
    yield from (each.alias for each in dependant.query_params)
    for inner in dependant.dependencies:
        yield from _asked(inner)


def words(error: Any, known: Collection[str] = ()) -> tuple[str, str]:
    """A sentence and a remedy for one of pydantic's errors; `known` are the keys that there could be."""
    place = ".".join(str(part) for part in error["loc"])
    context = error.get("ctx", {})
    match error["type"]:
        case "missing":
            return f'"{place}" is required', ""
        case "extra_forbidden":
            return f'there is no key "{place}"', did_you_mean(place, known) or f"there are {', '.join(sorted(known))}"
        case "string_pattern_mismatch" if place == "continue":
            return "continue is not where a list goes on", CURSOR
        case "string_pattern_mismatch" if NAME_PATTERN in context["pattern"]:
            return f"{place} is not a name", NAME
        case "string_pattern_mismatch" if STEP_TITLE_PATTERN in context["pattern"]:
            return f"{place} is not the name of a step", "`ensue get run` lists them"
        case "greater_than_equal":
            return f"{place} is too small", f"at least {context['ge']}"
        case "less_than_equal":
            return f"{place} is too large", f"at most {context['le']}"
        case "string_too_long":
            return f"{place} is too long", f"at most {context['max_length']} characters"
        case "int_parsing" | "int_type" | "int_from_float":
            return f"{place} must be a whole number", ""
        case "bool_parsing" | "bool_type":
            return f"{place} must be true or false", ""
        case "string_type":
            return f"{place} must be a string", ""
        case "dict_type":
            return f"{place} must be a mapping", ""
    text = str(error["msg"])
    return (f"{place}: {text}" if place else text), ""
