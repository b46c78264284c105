"""Whoever catches everything raises it again, or says why not."""

import ast
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent / "src"
EVERYTHING = {"Exception", "BaseException"}


def catches_everything(handler: ast.ExceptHandler) -> bool:
    named = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return handler.type is None or any(isinstance(each, ast.Name) and each.id in EVERYTHING for each in named)


def silent(path: Path) -> Iterator[str]:
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ExceptHandler) and catches_everything(node):
            ends_by_raising = isinstance(node.body[-1], ast.Raise)
            if not ends_by_raising and not lines[node.lineno].lstrip().startswith("#"):
                yield f"{path.name}:{node.lineno}"


def test_what_catches_everything_raises_it_again_or_says_why_not() -> None:
    assert [place for path in sorted(SOURCE.rglob("*.py")) for place in silent(path)] == []
