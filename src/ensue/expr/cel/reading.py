"""Which fields of a root a text reads, without a value of it."""

from collections.abc import Iterator

from ensue.expr.cel import program, syntax
from ensue.expr.interface import LIMITS, Limits


def fields(text: str, root: str, limits: Limits = LIMITS) -> Iterator[tuple[str, int]]:
    """Each once with the place of its first reader, in the text's order; none of a text that does not compile."""
    compiled = program.compile(text, limits)
    found: dict[str, int] = {}
    for node, _ in syntax.walk(compiled.tree) if isinstance(compiled, program.Program) else ():
        if isinstance(node, syntax.Select | syntax.Has) and syntax.path_of(node.operand) == (root,):
            found[node.field] = min(node.position, found.get(node.field, node.position))
    yield from sorted(found.items(), key=lambda each: each[1])
