"""Which triggers may want to be told that a run began, so that it is told only where somebody listens. Pure."""

from collections.abc import Mapping

from pydantic import ValidationError

from ensue.core import deciding
from ensue.expr import indexing
from ensue.model.event import EVENTS, RUN_STARTED
from ensue.model.trigger import Trigger
from ensue.model.values import Json

_TYPE = ("event", "type")


def hears_starts(body: Mapping[str, Json]) -> bool:
    """Whether a definition is a trigger that may decide about starts; a filter that may say yes counts."""
    if body.get("kind") != "Trigger":
        return False
    try:
        rule = deciding.compile(Trigger.model_validate(body, extra="ignore"), "", 0)
    except ValidationError:
        return False
    candidate = rule.candidate
    if not rule.is_active or EVENTS not in candidate.sources or indexing.is_never(candidate.clauses):
        return False
    types = candidate.clauses.get(_TYPE)
    return types is None or indexing.index_key(RUN_STARTED) in types
