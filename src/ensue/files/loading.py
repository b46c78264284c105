"""Files and directories to documents: what each is called among the others, and that nothing is there twice."""

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ensue.core import checking
from ensue.files import reading, samples, scripts, titles
from ensue.files.documents import Document, broken
from ensue.files.limits import DEFAULT_LIMITS, Limits
from ensue.files.titles import Claim, Title
from ensue.files.translating import Script
from ensue.model.errors import Problem

NAMELESS = "give the one without `name: NAME` at its top a name: it is called as its file"


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    is_named: bool
    documents: Sequence[Document]
    claim: Claim = titles.NOTHING
    text: bytes = b""
    """Of one that may be called otherwise."""


class _Reader:
    def __init__(self, *, known: checking.Known, limits: Limits, fetch: Script) -> None:
        self._known = known
        self._limits = limits
        # A file that is called otherwise is read again.
        self._fetch = functools.cache(fetch)

    def read(self, path: Path, *, is_named: bool) -> _File:
        try:
            text = reading.content(path, self._limits)
            documents = self._documents(path, text, None)
        except OSError as error:
            problem = Problem(message=f"cannot be read: {error.strerror or error}")
            return _File(path, is_named, [broken(str(path), (problem,))])
        claim = titles.claim(str(path), documents)
        return _File(path, is_named, documents, claim, text if claim.is_nameless else b"")

    def again(self, file: _File, title: Title | None) -> _File:
        """As it is called among the others."""
        return file if title is None else replace(file, documents=self._documents(file.path, file.text, title))

    def _documents(self, path: Path, text: bytes, title: Title | None) -> tuple[Document, ...]:
        script = scripts.beside(path, self._fetch)
        return reading.read(text, str(path), known=self._known, limits=self._limits, script=script, title=title)


def load(
    paths: Iterable[str | Path],
    *,
    known: checking.Known = checking.NOTHING_MORE,
    limits: Limits = DEFAULT_LIMITS,
    fetch: Script = scripts.no_fetching,
) -> tuple[Document, ...]:
    """The documents of files and directories (`*.yaml`, `*.yml`, `*.json`, sorted, hidden ones left out). `fetch` reads
    scripts at an address. Where a file says nothing, nothing is fetched. What is no definition is a warning in a
    directory, and an error in a file that is named."""
    reader = _Reader(known=known, limits=limits, fetch=fetch)
    files = [
        reader.read(file, is_named=not path.is_dir()) for path in map(Path, paths) for file in reading.expand(path)
    ]
    chosen = titles.choose({str(file.path): file.claim for file in files})
    documents: list[Document] = []
    for file in files:
        found = reader.again(file, chosen.get(str(file.path))).documents
        documents.extend(found if file.is_named else map(samples.passed_over, found))
    return _refuse_repeated(documents)


def _refuse_repeated(documents: list[Document]) -> tuple[Document, ...]:
    first: dict[tuple[str, str, str], Document] = {}
    for position, document in enumerate(documents):
        if document.definition is None:
            continue
        metadata = document.definition.metadata
        other = first.setdefault((document.kind, metadata.namespace, metadata.name), document)
        if other is not document:
            place = other.locate(Problem(message="", path="metadata.name"))
            is_nameless = titles.is_nameless(document) or titles.is_nameless(other)
            problem = Problem(
                message=f"{document.title} is already in {place.file}:{place.line}",
                remedy=NAMELESS if is_nameless else "rename one of the two",
                path="metadata.name",
            )
            documents[position] = replace(document, problems=(document.locate(problem), *document.problems))
    return tuple(documents)
