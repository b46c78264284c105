"""What workflow files of relay are called that say no name: as the file, or with its directories before that where
another is called so. A function of the files alone: whoever reads the same ones has the same names."""

import itertools
import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ensue.files.documents import Document
from ensue.files.nodes import Mapping as MappingNode
from ensue.files.nodes import Scalar, follow
from ensue.model.errors import Problem, Severity
from ensue.model.values import DEFAULT_NAMESPACE

STANDARD_INPUT = "-"
MAX_NAME = 63
LEAST_PREFIX = 22
"""What is kept of the directories before a base name that is long."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What the workflows of a file are called if it is the only file."""

    names: frozenset[str] = frozenset()
    is_nameless: bool = False
    """One of them is called as the file."""

    def __or__(self, other: "Claim") -> "Claim":
        return Claim(self.names | other.names, self.is_nameless or other.is_nameless)


NOTHING = Claim()


@dataclass(frozen=True, slots=True)
class Title:
    """What the workflow without a name of a file is called, since `other` is called as the file is."""

    name: str
    other: str


def slug(text: str) -> str:
    """A name for what has a title."""
    return re.sub(r"[^a-z0-9_-]+", "-", text.lower()).strip("-_")[:MAX_NAME].strip("-_")


def base(file: str) -> str:
    """What a file's workflow is called where nothing else is."""
    return slug(Path(file).stem) or "workflow"


def claim(file: str, documents: Iterable[Document]) -> Claim:
    """Of the workflows of a file that was read without a title."""
    workflows = [document for document in documents if document.kind == "Workflow"]
    # Standard input has no name of its own to lose.
    nameless = file != STANDARD_INPUT and any(map(is_nameless, workflows))
    names = {name for document in workflows if not is_nameless(document) for name in _names(document)}
    return Claim(frozenset(names | {base(file)} if nameless else names), nameless)


def recalled(file: str, names: Iterable[str]) -> Claim:
    """Of a file that cannot be read, which had workflows of these names."""
    found = frozenset(names)
    is_own = not found.isdisjoint({base(file), *_derived(file)})
    return Claim(found | {base(file)} if is_own else found, is_own)


def is_nameless(document: Document) -> bool:
    """A workflow of relay's file that says no name."""
    root = document.marks.root
    pairs = root.pairs if isinstance(root, MappingNode) else ()
    said = [follow(value) for key, value in pairs if isinstance(key, Scalar) and key.text == "name"]
    return document.is_authored and not any(isinstance(value, Scalar) and value.text for value in said)


def choose(claims: Mapping[str, Claim]) -> dict[str, Title]:
    """Of each file without a name whose base name is another's, too: with as many directories as tell them apart.
    Those that none tell apart are left out."""
    owners: defaultdict[str, list[str]] = defaultdict(list)
    for file, one in claims.items():
        for name in one.names:
            owners[name].append(file)
    nameless = {file: owners[base(file)] for file, one in claims.items() if one.is_nameless}
    waiting = {file: _derived(file) for file, others in nameless.items() if len(others) > 1}
    taken = set(owners)
    chosen: dict[str, Title] = {}
    while waiting:
        names = {file: name for file, rest in waiting.items() for name in itertools.islice(rest, 1)}
        counts = Counter(names.values())
        found = {file: name for file, name in names.items() if counts[name] == 1 and name not in taken}
        for file, name in found.items():
            chosen[file] = Title(name, next(other for other in nameless[file] if other != file))
        taken |= set(found.values())
        waiting = {file: waiting[file] for file in names.keys() - found.keys()}
    return chosen


def told(document: Document, title: Title) -> Document:
    """With the name that it has instead of its file's, if it is what has it."""
    if document.kind != "Workflow" or not is_nameless(document):
        return document
    problem = Problem(
        message=f"the name {base(document.file)} is that of {title.other}, too: this workflow is called {title.name}",
        remedy=f"`name: {title.name}` at its top keeps that name, and any other gives it another",
        path="metadata.name",
        severity=Severity.WARNING,
    )
    return replace(document, problems=(document.locate(problem), *document.problems))


def _names(document: Document) -> Iterator[str]:
    match document.raw:
        case {"metadata": {"name": str(name), **others}}:
            if others.get("namespace", DEFAULT_NAMESPACE) == DEFAULT_NAMESPACE:
                yield name


def _derived(file: str) -> Iterator[str]:
    """With one directory before the base name, with two, and so on."""
    own, parts = base(file), Path(os.path.abspath(file)).parent.parts[1:]
    for depth in range(1, len(parts) + 1):
        if prefix := slug("-".join(parts[-depth:])):
            kept = own[: MAX_NAME - 1 - min(len(prefix), LEAST_PREFIX)].rstrip("-_")
            yield f"{prefix[: MAX_NAME - 1 - len(kept)].rstrip('-_')}-{kept}"
