"""Fails when a file in src is longer than 400 lines or a function longer than 60, and names the offenders."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

FILE_LIMIT = 400
FUNCTION_LIMIT = 60
ROOT = Path(__file__).resolve().parent.parent


def offenders(source: Path) -> Iterator[str]:
    for path in sorted(source.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        name = path.relative_to(source.parent)
        lines = len(text.splitlines())
        if lines > FILE_LIMIT:
            yield f"{name}: {lines} lines, the limit is {FILE_LIMIT}"
        for node in ast.walk(ast.parse(text, filename=str(path))):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LIMIT:
                yield f"{name}:{node.lineno}: {node.name} has {lines} lines, the limit is {FUNCTION_LIMIT}"


def main() -> int:
    found = list(offenders(ROOT / "src"))
    print("\n".join(found) if found else "sizes: every file and function is within its limit")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
