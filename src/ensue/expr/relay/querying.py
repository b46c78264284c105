"""Queries on a document: only what lies on the way is evaluated."""

from collections.abc import Callable, Mapping

from ensue.expr.interface import LIMITS, Code, Error, Limits, Needs, Result, Scope
from ensue.expr.relay import building, functions, jsonpath, jsonpath_templates, objects, parsing, programs, rendering
from ensue.expr.relay.flavours import RELAY, Flavour
from ensue.expr.relay.running import Run
from ensue.expr.relay.values import UNRESOLVED, Failure
from ensue.model.values import Json


def query(
    document: Json, text: str, lang: str, scope: Scope, flavour: Flavour = RELAY, limits: Limits = LIMITS
) -> Result:
    """What a query finds; the whole document for an empty one. Never raises."""
    evaluate = LANGUAGES.get(lang)
    if evaluate is None:
        return Error(f'expression language "{lang}" is not supported', 0, Code.REFERENCE)
    if not text:
        return objects.evaluate(document, scope, flavour, limits)
    run = Run(scope, flavour, limits)
    run.root = objects.wrapped(document)
    try:
        return objects.result(run, evaluate(run, text))
    except Failure as failure:
        if run.needs and failure.code not in (Code.LIMIT, Code.SYNTAX):
            return Needs(frozenset(run.needs))
        if failure.code is Code.SYNTAX:
            return programs.syntax_error(failure, text, flavour)
        return Error(failure.message, max(failure.position, 0), failure.code)
    except RecursionError:
        return Error("nested too deep", 0, Code.LIMIT)


def _path(run: Run, text: str) -> object:
    run.spend(len(text))
    return run.force(functions.query_thunk(text, run.flavour, run.limits)(run))


def _path_template(run: Run, text: str) -> object:
    """What is not resolved is null here, in a longer text the word for it."""
    tree = parsing.template(text, run.flavour, run.limits)
    setting = building.Setting(run.flavour, {}, is_scoped=False)
    parts = [part if isinstance(part, str) else building.build(part, setting) for part in tree.parts]
    run.spend(tree.nodes)
    values = [part if isinstance(part, str) else run.force(part(run)) for part in parts]
    if len(parts) == 1:
        return values[0]
    texts = [
        "null" if value is UNRESOLVED else rendering.template_text(value, run.grow, run.limits.depth)
        for value in values
    ]
    run.grow(sum(map(len, texts)))
    return rendering.joined(texts)


LANGUAGES: Mapping[str, Callable[[Run, str], object]] = {
    "": _path,
    "path": _path,
    "path-template": _path_template,
    "jsonpath": jsonpath.evaluate,
    "jsonpath-template": jsonpath_templates.evaluate,
}
"""By the names that `?lang=` takes."""
