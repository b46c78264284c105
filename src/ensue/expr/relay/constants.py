"""What depends on nothing is known before anything runs: the value of a constant, and that a call will always fail."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from ensue.expr.interface import LIMITS, Code, Error, Mapped, Value
from ensue.expr.relay import building, functions, mentioning, objects, programs, signatures, surveying
from ensue.expr.relay.flavours import NATIVE, Flavour
from ensue.expr.relay.mentioning import Called
from ensue.expr.relay.programs import Expression
from ensue.expr.relay.running import Run
from ensue.expr.relay.surveying import Keys
from ensue.expr.relay.syntax import Call, Constant, Infix, Node, Path, children
from ensue.expr.relay.values import Failure
from ensue.model.values import Json

_LITTLE = replace(LIMITS, steps=20_000, size=200_000)
"""A constant that costs more is left to the run: a document may have many."""
_NOTHING = Mapped(roots={}, now=datetime(1970, 1, 1, tzinfo=UTC))
_LOGICAL = frozenset({"&&", "||"})
_VARIABLE = frozenset({"now"})


@dataclass(frozen=True, slots=True)
class _Part:
    """A constant of more than one literal: a tagged call, or an expression within a text."""

    keys: Keys
    what: Json | Node


@dataclass(frozen=True, slots=True)
class _Survey:
    """Whether something is constant, and the largest constants that are sure to be evaluated with it."""

    is_constant: bool
    parts: Sequence[_Part] = ()


_LITERAL, _UNKNOWN = _Survey(True), _Survey(False)


def failing(document: Json, flavour: Flavour = NATIVE) -> Iterator[tuple[Keys, Error]]:
    """The constants in a document whose evaluation fails whenever it is tried. What may be passed over is not among
    them: arguments of functions that do not look at all of theirs, and the right sides of `&&` and `||`."""
    if surveying.has_expressions(document):
        for part in _document(document, (), flavour).parts:
            if (error := _error(part.what, flavour)) is not None:
                yield part.keys, error


def constant(document: Json, flavour: Flavour = NATIVE) -> Value | None:
    """The value of a document that depends on nothing; None where it does, or has none."""
    if not _document(document, (), flavour).is_constant:
        return None
    result = objects.evaluate(document, _NOTHING, flavour, _LITTLE)
    return result if isinstance(result, Value) else None


def _error(what: Json | Node, flavour: Flavour) -> Error | None:
    if isinstance(what, Node):
        return _error_of_node(what, flavour)
    result = objects.evaluate(what, _NOTHING, flavour, _LITTLE)
    if isinstance(result, Error) and result.code is not Code.LIMIT:
        return replace(result, position=-1)
    return None


def _error_of_node(node: Node, flavour: Flavour) -> Error | None:
    run = Run(_NOTHING, flavour, _LITTLE)
    try:
        run.force(building.build(node, building.Setting(flavour, functions.FUNCTIONS))(run))
    except Failure as failure:
        return None if failure.code is Code.LIMIT else programs.error_of(failure, flavour)
    except RecursionError:
        return None
    return None


def _document(node: Json, keys: Keys, flavour: Flavour) -> _Survey:
    if len(keys) > LIMITS.depth:
        return _UNKNOWN
    match node:
        case str():
            return _text(node, keys, flavour)
        case list():
            return _together([_document(item, (*keys, index), flavour) for index, item in enumerate(node)])
        case dict():
            return _mapping(node, keys, flavour)
    return _LITERAL


def _mapping(node: dict[str, Json], keys: Keys, flavour: Flavour) -> _Survey:
    tag = objects.tag_of(node)
    if tag == "$type":
        return _UNKNOWN
    inner = _together([_document(item, (*keys, key), flavour) for key, item in node.items()])
    if tag is None or tag == "$encoding":
        return inner
    return _called(surveying.call_of(node, tag), inner, _Part(keys, node))


def _text(node: str, keys: Keys, flavour: Flavour) -> _Survey:
    program = programs.program(node, flavour)
    if program.error is not None:
        return _UNKNOWN
    if not isinstance(program, Expression):
        return _LITERAL
    return _together([_node(part, keys) for part in program.tree.parts if not isinstance(part, str)])


def _node(node: Node, keys: Keys) -> _Survey:
    if isinstance(node, Constant):
        return _LITERAL
    surveys = [_node(child, keys) for child in children(node)]
    inner = _together(surveys)
    match node:
        case Path():
            return _Survey(False, inner.parts)
        case Call():
            return _called(mentioning.call_of(node), inner, _Part(keys, node))
        case Infix() if not inner.is_constant:
            return _together([_UNKNOWN, *surveys[: _looked_at(node)]])
    return _Survey(True, (_Part(keys, node),)) if inner.is_constant else inner


def _called(called: Called, inner: _Survey, whole: _Part) -> _Survey:
    is_right = called.name in functions.FUNCTIONS and signatures.miscall(called) is None
    if is_right and inner.is_constant and called.name not in _VARIABLE:
        return _Survey(True, (whole,))
    return _UNKNOWN if called.name in functions.LAZY else _Survey(False, inner.parts)


def _looked_at(node: Infix) -> int:
    """How many of its operands are evaluated whatever the others are."""
    logical = (index for index, (operator, _) in enumerate(node.rest) if operator in _LOGICAL)
    return 1 + next(logical, len(node.rest))


def _together(surveys: Sequence[_Survey]) -> _Survey:
    parts = [part for survey in surveys for part in survey.parts]
    return _Survey(all(survey.is_constant for survey in surveys), parts)
