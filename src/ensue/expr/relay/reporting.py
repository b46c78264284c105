"""What was missing, in relay's words and in its `unresolvable` object."""

from collections.abc import Collection, Iterable

from ensue.expr.interface import Kind, Missing
from ensue.model.values import Json

_FIELDS = {
    Kind.DATA: ("data", ("query",)),
    Kind.SECRET: ("secrets", ("name",)),
    Kind.CONNECTION: ("connections", ("type", "name")),
    Kind.CREDENTIAL: ("credentials", ("name",)),
    Kind.OUTPUT: ("outputs", ("from", "name")),
    Kind.PARAMETER: ("parameters", ("name",)),
    Kind.ANSWER: ("answers", ("askRef", "name")),
    Kind.STATUS: ("statuses", ("action", "property")),
}
_WORDS = {
    Kind.CONNECTION: 'connection type "{0}" with name "{1}"',
    Kind.OUTPUT: 'output "{1}" of step "{0}"',
    Kind.ANSWER: 'answer "{1}" of ask "{0}"',
    Kind.STATUS: 'status property "{1}" of step "{0}"',
}


def ordered(missing: Iterable[Missing]) -> list[Missing]:
    """By kind, in the order in which relay reports them."""
    kinds = list(_FIELDS)
    return sorted(missing, key=lambda one: kinds.index(one.kind))


def unresolvable(missing: Collection[Missing]) -> dict[str, Json]:
    """The object that answers of relay's metadata API carry."""
    found: dict[str, Json] = {}
    for kind, (title, fields) in _FIELDS.items():
        items: list[Json] = [dict(zip(fields, one.names, strict=False)) for one in missing if one.kind is kind]
        if items:
            found[title] = items
    return found


def sentence(missing: Missing) -> str:
    """As `parameter "x": not found`."""
    form = _WORDS.get(missing.kind)
    if form is None or len(missing.names) < 2:
        form = f'{missing.kind} "{{0}}"' if missing.names else f"{missing.kind}s"
    return f"{form.format(*missing.names)}: not found"


def message(missing: Iterable[Missing]) -> str:
    lines = [f"* {sentence(one)}" for one in ordered(missing)]
    return "\n".join(["unresolvable_error: We could not fully evaluate this resource expression:", *lines])
