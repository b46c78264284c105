"""What lies among definitions and is none: events and runs to try definitions with, settings of other programs."""

import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from ensue.files.documents import Document
from ensue.files.limits import DEFAULT_LIMITS, Limits
from ensue.files.nodes import MERGE, Mapping, Node, Scalar, Sequence, follow
from ensue.model.errors import Problem, Severity

KEYS = frozenset({"apiVersion", "kind", "metadata", "spec", "steps", "triggers", "jobs"})
"""One of these is in whatever is meant as a definition, also by who forgot the others."""
IMAGINED = frozenset({"connections", "secrets", "runs", "triggers"})
"""What a sample for the metadata API consists of."""
ABOUT_IMAGES = frozenset({"integration/v1", "container/v1"})
"""The apiVersion of what relay's repositories say of the images of their steps."""
SAMPLE = "a sample for the metadata API, no definition"
SERVED = "`ensue metadata --sample FILE` serves it"


def is_sample(name: str, text: bytes, limits: Limits = DEFAULT_LIMITS) -> bool:
    """What cannot be read is none: somebody should know."""
    if not name.endswith(".json") or not text.strip() or len(text) > limits.max_bytes:
        return False
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return not isinstance(value, dict) or not KEYS & value.keys()


def marked(node: Node, documents: Iterable[Document]) -> Iterator[Document]:
    """The documents of a node, with what to say of them in a directory if it is not meant as a definition."""
    problem = _foreign(node)
    for document in documents:
        yield document if problem is None else replace(document, passed_over=replace(problem, file=document.file))


def passed_over(document: Document) -> Document:
    """What is said of a document in a directory, where nobody named its file."""
    return document if document.passed_over is None else replace(document, problems=(document.passed_over,))


def _foreign(node: Node) -> Problem | None:
    """None for what may be meant as a definition. Decided before tags are read: they may be another program's."""
    if not isinstance(node, Mapping):
        return None
    keys = {name.text: follow(value) for key, value in node.pairs if isinstance(name := follow(key), Scalar)}
    if (said := _said(keys)) is None:
        return None
    message, remedy = said
    start = node.start
    return Problem(message=message, remedy=remedy, severity=Severity.WARNING, line=start.line, column=start.column)


def _said(keys: dict[str, Node | None]) -> tuple[str, str] | None:
    """Why a mapping with these is no definition, and what to do about it."""
    version = keys.get("apiVersion")
    if isinstance(version, Scalar) and version.text in ABOUT_IMAGES:
        return "what relay says of the image of a step, no definition, and passed over", "a step needs its image alone"
    # A list in the settings of kube-trigger, a mapping in samples.
    is_meant = isinstance(keys.get("triggers"), Sequence) or MERGE in keys
    if is_meant or not KEYS.isdisjoint(keys.keys() - {"triggers"}):
        return None
    if is_imagined(keys):
        return f"{SAMPLE}, and passed over", SERVED
    return "no definition, and passed over", "one has apiVersion and kind, or steps"


def is_imagined(value: Collection[str]) -> bool:
    """Whether these are the keys of a sample for the metadata API."""
    return bool(value) and IMAGINED.issuperset(value)
