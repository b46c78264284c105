"""Files to definitions and back: `read`, `load`, `accept`, `body`; `format` and `schema` load on first use."""

from ensue.files.documents import Document, body
from ensue.files.limits import DEFAULT_LIMITS, Limits
from ensue.files.loading import load
from ensue.files.marks import Marks
from ensue.files.reading import accept, expand, read, value
from ensue.files.samples import is_sample
from ensue.files.scripts import beside as scripts_beside
from ensue.model.values import Json

__all__ = [
    "DEFAULT_LIMITS",
    "Document",
    "Limits",
    "Marks",
    "accept",
    "body",
    "expand",
    "format",
    "is_sample",
    "load",
    "read",
    "schema",
    "scripts_beside",
    "value",
]


def format(text: str, name: str) -> str:
    """The same definitions, evenly laid out; raises InvalidDefinition where it cannot promise that."""
    from ensue.files import formatting

    return formatting.format(text, name)


def schema(kind: str) -> dict[str, Json]:
    """The JSON Schema of a kind, short forms included; raises NotFound."""
    from ensue.files import schemas

    return schemas.schema(kind)
