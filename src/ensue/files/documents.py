"""Document: one definition as a file has it, with its problems."""

import re
from dataclasses import dataclass, replace

from ensue.core import checking_paths
from ensue.files.marks import Marks, Path
from ensue.model.definition import Dialect
from ensue.model.errors import Problem, Severity
from ensue.model.kinds import Definition
from ensue.model.values import Json

_SPEC = re.compile(r"\bspec\.(?=[a-z])")
"""What the paths of files without a `spec` do not have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """`definition` is None when the document has no readable one; `raw` is its value as written.

    `extra` are the keys that only other programs know: they survive in `body`.
    """

    file: str
    index: int = 0
    dialect: Dialect = Dialect.ENSUE
    api_version: str = ""
    kind: str = ""
    definition: Definition | None = None
    marks: Marks
    problems: tuple[Problem, ...] = ()
    raw: Json = None
    extra: tuple[tuple[Path, Json], ...] = ()
    passed_over: Problem | None = None
    """What to say instead of its problems where it lies among definitions; None when it is meant as one."""

    @property
    def is_valid(self) -> bool:
        """Nothing in it is an error; there may be warnings and hints."""
        return self.definition is not None and not any(p.severity is Severity.ERROR for p in self.problems)

    @property
    def title(self) -> str:
        if self.definition is None:
            return self.file
        return f"{self.kind} {self.definition.metadata.name}"

    @property
    def is_authored(self) -> bool:
        """A workflow as relay's files have it: with all its triggers, and without a `spec`."""
        return self.marks.renamed.get(("spec",)) == ()

    def locate(self, problem: Problem) -> Problem:
        """The problem with its file, line and column, and the path as the file has it."""
        path = checking_paths.parse(problem.path)
        mark = self.marks.key(path) if problem.message.startswith("unknown key") else self.marks.value(path)
        return replace(
            problem,
            remedy=_SPEC.sub("", problem.remedy) if self.is_authored else problem.remedy,
            file=self.file,
            path=checking_paths.render(self.marks.written(path)),
            line=problem.line or mark.line,
            column=problem.column or mark.column,
        )


def broken(file: str, problems: tuple[Problem, ...], *, index: int = 0) -> Document:
    """What stands for a document that cannot be read."""
    located = tuple(replace(problem, file=file) for problem in problems)
    return Document(file=file, index=index, marks=Marks(None), problems=located)


def body(document: Document) -> dict[str, Json]:
    """The canonical JSON of a definition: only what was written, one type per field, foreign keys kept."""
    definition = document.definition
    if definition is None:
        raise ValueError(f"{document.file} has no definition")
    result: dict[str, Json] = {"apiVersion": definition.api_version, "kind": definition.kind}
    result |= definition.model_dump(mode="json", exclude_unset=True)
    if not definition.compat:
        result.pop("compat", None)
    for path, value in document.extra:
        _insert(result, path, value)
    return result


def _insert(body: Json, path: Path, value: Json) -> None:
    *parents, last = path
    owner = body
    for part in parents:
        if isinstance(owner, dict) and isinstance(part, str):
            owner = owner.setdefault(part, {})
        elif isinstance(owner, list) and isinstance(part, int):
            owner = owner[part]
    if isinstance(owner, dict) and isinstance(last, str):
        owner[last] = value
