"""How the functions of the language are called, and what is wrong with a call before anything is evaluated."""

from collections.abc import Mapping
from dataclasses import dataclass

from ensue.expr.relay.mentioning import Called
from ensue.expr.spelling import did_you_mean


@dataclass(frozen=True, slots=True)
class Signature:
    """How many arguments a function takes by place, and which by name; it takes one or the other."""

    usage: str
    least: int = 0
    most: int | None = None
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()

    @property
    def keywords(self) -> tuple[str, ...]:
        return (*self.required, *self.optional)


SIGNATURES: Mapping[str, Signature] = {
    "append": Signature("append(list, item…)", 2),
    "coalesce": Signature("coalesce(value…)"),
    "concat": Signature("concat(value…)"),
    "convertMarkdown": Signature("convertMarkdown(to, content)", 2, 2, ("to", "content")),
    "equals": Signature("equals(a, b)", 2, 2),
    "exists": Signature("exists(path)", 1, 1),
    "jsonMarshal": Signature("jsonMarshal(value)", 1, 1),
    "jsonUnmarshal": Signature("jsonUnmarshal(text)", 1, 1),
    "merge": Signature("merge(map…) or merge(objects: list, mode: 'shallow')", 0, None, ("objects",), ("mode",)),
    "notEquals": Signature("notEquals(a, b)", 2, 2),
    "now": Signature("now()", 0, 0),
    "path": Signature("path(object, query, default)", 2, 3, ("object", "query"), ("default",)),
    "toString": Signature("toString(value)", 1, 1),
}


@dataclass(frozen=True, slots=True)
class Miscall:
    """What is wrong with a call."""

    message: str
    remedy: str
    is_harmless: bool = False
    """It is evaluated all the same: what the function does not know is passed over."""


def miscall(called: Called) -> Miscall | None:
    """Of a function that there is, in the words of its evaluation; None for a call that is right."""
    name, signature = called.name, SIGNATURES[called.name]
    if reason := _mismatch(signature, called):
        return Miscall(f'invocation of function "{name}" failed: {reason}', f"write {signature.usage}")
    unknown = next((key for key in called.named or () if key not in signature.keywords), None)
    if unknown is None:
        return None
    remedy = did_you_mean(unknown, signature.keywords) or f"it takes {', '.join(signature.keywords)}"
    return Miscall(f'the function "{name}" takes no argument "{unknown}"', remedy, is_harmless=True)


def _mismatch(signature: Signature, called: Called) -> str:
    if called.named is not None:
        if not signature.keywords:
            return "keyword arguments cannot be used"
        absent = next((key for key in signature.required if key not in called.named), None)
        return f'arg "{absent}": arg not found' if absent else ""
    count, least, most = called.positional, signature.least, signature.most
    if count >= least and (most is None or count <= most):
        return ""
    wanted = f"{least} or more" if most is None else f"{least}" if least == most else f"{least} or {most}"
    return f"unexpected number of arguments: {count} (wanted {wanted})"
