"""Evaluates every string of a JSON value as a template."""

from collections.abc import Callable, Iterator

from ensue.expr.interface import Error, Needs, Program, Ref, Result, Scope, Unresolved, Value
from ensue.model.values import Json

Compile = Callable[[str], Program]


def evaluate(value: Json, scope: Scope, compile: Compile) -> Result:
    """The same value with its templates replaced. Keys of objects are never templates."""
    needs: set[Ref] = set()
    missing: list[str] = []
    errors: list[Error] = []

    def walk(node: Json) -> Json:
        match node:
            case str():
                match compile(node).evaluate(scope):
                    case Value(result):
                        return result
                    case Unresolved(result, names):
                        missing.extend(names)
                        return result
                    case Needs(refs):
                        needs.update(refs)
                    case Error() as error:
                        errors.append(error)
                return node
            case list():
                return [walk(item) for item in node]
            case dict():
                return {key: walk(item) for key, item in node.items()}
        return node

    result = walk(value)
    if errors:
        return errors[0]
    if needs:
        return Needs(frozenset(needs))
    return Unresolved(result, tuple(missing)) if missing else Value(result)


def strings(value: Json) -> Iterator[str]:
    """All strings in a value, keys apart."""
    match value:
        case str():
            yield value
        case list():
            for item in value:
                yield from strings(item)
        case dict():
            for item in value.values():
                yield from strings(item)
