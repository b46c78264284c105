"""Schemas of steps' specs by the repository of their image, as relay publishes them."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ensue.core import conforming
from ensue.model.errors import InvalidInput
from ensue.model.values import Json

_DEFAULT_REGISTRIES: Final = ("docker.io/", "index.docker.io/", "registry-1.docker.io/")
_REPOSITORY = re.compile(r"[a-z0-9]+(?:[._/:-]+[A-Za-z0-9]+)*")


class Unparsable(ValueError):
    """A text that names no image."""


@dataclass(frozen=True, slots=True)
class Schemas:
    by_repository: Mapping[str, Json]

    def complaints(self, image: str, spec: Json) -> list[str]:
        """What is wrong with a spec; empty when nothing is, or nobody knows. Raises Unparsable."""
        schema = self.by_repository.get(repository(image))
        return [] if schema is None else conforming.complaints(spec, schema)


def parse(text: str, place: str) -> Schemas:
    """Of a JSON list of `{publish: {repository}, schemas: {spec}}`. Raises InvalidInput that names the place."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{place}: not JSON: {error}") from None
    if not isinstance(found, list):
        raise InvalidInput(f"{place}: a list is expected", remedy="write [{publish: {repository}, schemas: {spec}}]")
    known: dict[str, Json] = {}
    for one in found:
        match one:
            case {"publish": {"repository": str(name)}, "schemas": {"spec": schema}}:
                known[name] = schema
    return Schemas(known)


def repository(image: str) -> str:
    """Of an image, without registry where that is the default one, tag and digest. Raises Unparsable."""
    name = image.partition("@")[0]
    head, slash, last = name.rpartition("/")
    name = f"{head}{slash}{last.partition(':')[0]}"
    if not _REPOSITORY.fullmatch(name):
        raise Unparsable(f"{image[:200]!r} names no image")
    for registry in _DEFAULT_REGISTRIES:
        name = name.removeprefix(registry)
    return name.removeprefix("library/")
