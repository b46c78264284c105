"""One mutation on trial: a copy of the tree, the edits, and the named test, which must fail there."""

import ast
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.mutations.mutation import Mutation

ROOT = Path(__file__).parents[2]
COPIED = ("src", "tests", "pyproject.toml")
SECONDS = 300


@contextmanager
def copy() -> Iterator[Path]:
    """The parts of the tree that a test needs, to be changed at will."""
    with tempfile.TemporaryDirectory(prefix="ensue-mutation-") as name:
        tree = Path(name)
        for part in COPIED:
            if (ROOT / part).is_dir():
                shutil.copytree(ROOT / part, tree / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / part, tree / part)
        yield tree


def passes(tree: Path, test: str) -> bool:
    """Whether the test passes with the sources of this tree. Raises RuntimeError when there is no such test."""
    arguments = ["-q", "-x", "-p", "no:cacheprovider", "-W", "ignore", test]
    path = os.pathsep.join(filter(None, (str(tree / "src"), os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments],
        cwd=tree,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    if done.returncode not in (0, 1) or " skipped" in done.stdout:
        raise RuntimeError(f"pytest {test} ended with {done.returncode}:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done.returncode == 0


def apply(mutation: Mutation, tree: Path) -> None:
    for file, old, new in mutation.edits:
        path = tree / "src" / "ensue" / file
        text = path.read_text(encoding="utf-8")
        if text.count(old) != 1:
            raise RuntimeError(f"{mutation.name} does not fit {file} any more")
        path.write_text(text.replace(old, new), encoding="utf-8")


def is_noticed(mutation: Mutation) -> bool:
    """Whether the test fails with the mutation."""
    with copy() as tree:
        apply(mutation, tree)
        return any(not passes(tree, mutation.test) for _ in range(mutation.tries))


def misfits(mutation: Mutation) -> Iterator[str]:
    """Why this mutation does not fit the tree any more."""
    for file, old, new in mutation.edits:
        text = (ROOT / "src" / "ensue" / file).read_text(encoding="utf-8")
        if (count := text.count(old)) != 1:
            yield f"{mutation.name}: src/ensue/{file} holds the text {count} times: {old!r}"
        else:
            ast.parse(text.replace(old, new))
    file, _, name = mutation.test.partition("::")
    if not (ROOT / file).exists() or name.partition("[")[0] not in _functions(ROOT / file):
        yield f"{mutation.name}: there is no test {mutation.test}"


def _functions(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
