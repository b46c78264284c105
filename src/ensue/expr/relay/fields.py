"""Documents that are nothing but a field of the event: `!Data a.b`, `${event.a}`."""

from ensue.expr.interface import LIMITS, Limits, Scope, Value
from ensue.expr.relay import mentioning, objects, parsing
from ensue.expr.relay.flavours import RELAY, Flavour
from ensue.expr.relay.syntax import Path, Template
from ensue.expr.relay.values import Failure
from ensue.model.values import Json


def lacking(document: Json, scope: Scope, flavour: Flavour = RELAY, limits: Limits = LIMITS) -> str:
    """The field, as `a.b`, if the document is nothing but one that the event does not have; else empty. A field in
    what is no mapping and no list is a mistake, and not lacking."""
    field = _field(document, flavour, limits)
    if not field:
        return ""
    is_there = objects.evaluate({"$fn.exists": [document]}, scope, flavour, limits)
    return field if is_there == Value(False) else ""


def _field(document: Json, flavour: Flavour, limits: Limits) -> str:
    try:
        match document:
            case {"$type": "Data", "name": str(source)} if source != objects.DEFAULT_DATA:
                return ""
            case {"$type": "Data", "query": str(query)}:
                return ".".join(_names(parsing.expression(query, flavour, limits)))
            case str():
                root, *names = _names(parsing.template(document, flavour, limits)) or [""]
                return ".".join(names) if root == objects.DEFAULT_DATA else ""
    except (Failure, RecursionError):
        return ""
    return ""


def _names(tree: Template) -> list[str]:
    """The root and the names after it; none if the tree is anything else."""
    if len(tree.parts) != 1 or not isinstance(tree.parts[0], Path):
        return []
    match list(mentioning.found(tree)):
        case [mentioning.Mention(root=root, names=names, is_whole=True)]:
            return [root, *names]
    return []
