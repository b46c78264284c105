"""What was probably meant by a name that is not known."""

from collections.abc import Iterable
from typing import Final

from ensue.expr import spelling
from ensue.expr.cel import environment, macros, syntax

_MAX_LENGTH: Final = 64


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean x?`, or nothing."""
    meant = spelling.closest(word, known)
    return f"; did you mean {meant}?" if meant else ""


def unknown_function(node: syntax.Call) -> str:
    is_method = node.target is not None
    unknown = f"unknown function: {node.name[:_MAX_LENGTH]}"
    if environment.FUNCTIONS.find(node.name, is_method=not is_method) is not None:
        return unknown + (f"; write it as {node.name}(x)" if is_method else f"; write it as x.{node.name}(…)")
    hint = did_you_mean(node.name, [*environment.FUNCTIONS.names(is_method=is_method), *macros.NAMES])
    prefix = syntax.path_of(node.target) if node.target is not None else None
    if not hint and prefix is not None:
        hint = did_you_mean(".".join((*prefix, node.name)), environment.FUNCTIONS.names(is_method=False))
    return unknown + hint
