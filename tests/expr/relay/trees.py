"""Short ways to write tagged objects and scopes, as the tables of the specification do."""

from datetime import UTC, datetime
from typing import Any

from ensue.expr import relay
from ensue.expr.interface import Error, Kind, Mapped, Missing, Result
from ensue.expr.relay import Flavour
from ensue.model.values import Json

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def secret(name: str) -> dict[str, Json]:
    return {"$type": "Secret", "name": name}


def parameter(name: str) -> dict[str, Json]:
    return {"$type": "Parameter", "name": name}


def output(step: str, name: str) -> dict[str, Json]:
    return {"$type": "Output", "from": step, "name": name}


def connection(kind: str, name: str) -> dict[str, Json]:
    return {"$type": "Connection", "type": kind, "name": name}


def answer(ask: str, name: str) -> dict[str, Json]:
    return {"$type": "Answer", "askRef": ask, "name": name}


def data(query: str) -> dict[str, Json]:
    return {"$type": "Data", "query": query}


def missing(*texts: str) -> set[Missing]:
    """`parameter:x`, `output:step/name`…"""
    found = set()
    for text in texts:
        kind, _, names = text.partition(":")
        found.add(Missing(Kind(kind), tuple(names.split("/"))))
    return found


def scope(**roots: Any) -> Mapped:
    return Mapped({"parameters": {}, "secrets": {}, "outputs": {}, "connections": {}, "steps": {}, **roots}, NOW)


def evaluate(document: Json, flavour: Flavour = relay.RELAY, **roots: Any) -> Result:
    """What a document gives. What can be evaluated is never found wrong beforehand."""
    result = relay.evaluate(document, scope(**roots), flavour)
    assert isinstance(result, Error) or mistakes(document, flavour) == []
    return result


def mistakes(document: Json, flavour: Flavour) -> list[str]:
    """What is found wrong with its calls and constants without evaluating it."""
    calls = [one.what for one in relay.findings(document, flavour) if isinstance(one.what, relay.Called)]
    wrong = [found for one in calls if one.name in relay.FUNCTIONS and (found := relay.miscall(one)) is not None]
    failing = [error.message for _, error in relay.failing(document, flavour)]
    return [found.message for found in wrong if not found.is_harmless] + failing
