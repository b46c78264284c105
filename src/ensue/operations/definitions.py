"""Applying, reading and deleting definitions."""

from collections.abc import Mapping
from dataclasses import replace

from ensue import files
from ensue.core import canonical, permitting, supporting
from ensue.files.documents import Document
from ensue.model.errors import InvalidDefinition, InvalidInput, NotFound, Problem, Severity
from ensue.model.identity import Identity
from ensue.model.kinds import Definition
from ensue.model.values import Json, Namespace
from ensue.operations.world import World
from ensue.ports.store import StoredDefinition


async def apply(
    identity: Identity,
    world: World,
    body: Mapping[str, Json],
    *,
    manager: str = "api",
    take_over: bool = False,
    expected: int | None = None,
) -> StoredDefinition:
    """Create or replace a definition; with `expected`, only when it is at this revision (0: is not there). A trigger
    decides about every event that is accepted from then on. Raises InvalidDefinition, Conflict, Changed, Denied."""
    document = files.accept(body, known=world.known)
    return await apply_document(identity, world, document, manager=manager, take_over=take_over, expected=expected)


async def apply_document(
    identity: Identity,
    world: World,
    document: Document,
    *,
    manager: str,
    take_over: bool = False,
    expected: int | None = None,
) -> StoredDefinition:
    definition = require_valid(document)
    namespace = Namespace(definition.metadata.namespace)
    permitting.require(identity, "apply", document.kind, namespace)
    if document.kind not in supporting.KINDS:
        known = ", ".join(sorted(supporting.KINDS))
        raise InvalidInput(f"A {document.kind} cannot be applied in this version", remedy=f"these can: {known}")
    value = files.body(document)
    hash = canonical.definition_hash(value, document.dialect)
    return await world.definitions.put(
        value, hash, document.dialect, manager, identity, uid=world.clock.uid(), take_over=take_over, expected=expected
    )


def require_valid(document: Document) -> Definition:
    errors = [problem for problem in document.problems if problem.severity is Severity.ERROR]
    if errors or document.definition is None:
        raise InvalidDefinition(errors or [replace(Problem(message="holds no definition"), file=document.file)])
    return document.definition


async def get(identity: Identity, world: World, namespace: Namespace, kind: str, name: str) -> StoredDefinition:
    """Raises NotFound, which names the file where one defines it and is broken."""
    permitting.require(identity, "get", kind, namespace)
    try:
        return await world.definitions.get(namespace, kind, name)
    except NotFound as error:
        for origin in await world.origins.find(kind, namespace, name):
            said = "; ".join(str(problem) for problem in origin.problems) or "it was deleted since"
            raise NotFound(f"{error.message}; {origin} defines it: {said}") from None
        raise


async def list_all(
    identity: Identity, world: World, namespace: Namespace | None, kind: str
) -> tuple[StoredDefinition, ...]:
    permitting.require(identity, "list", kind, namespace)
    return await world.definitions.list(namespace, kind)


async def delete(
    identity: Identity,
    world: World,
    namespace: Namespace,
    kind: str,
    name: str,
    *,
    expected: int | None = None,
    manager: str | None = "api",
) -> None:
    """Runs under way keep what they started with, and what a debounce of a trigger holds never fires.

    Raises NotFound, Changed when it is not at that revision, and Conflict when another than `manager` manages it
    (None: whoever does)."""
    permitting.require(identity, "delete", kind, namespace)
    await world.definitions.delete(namespace, kind, name, identity, expected, manager)
