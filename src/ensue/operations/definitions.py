"""Applying, reading and deleting definitions."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypedDict, Unpack

from ensue import files
from ensue.core import bylaws, canonical, merging, permitting, supporting
from ensue.core.following import Key
from ensue.files import translating
from ensue.files.documents import Document
from ensue.model.errors import InvalidDefinition, InvalidInput, NotFound, Problem, Severity
from ensue.model.identity import Identity
from ensue.model.kinds import Definition
from ensue.model.permission import Permission
from ensue.model.values import Json, Namespace
from ensue.operations.world import World
from ensue.ports.origins import FILE, Origin
from ensue.ports.store import StoredDefinition


class Given(TypedDict, total=False):
    take_over: bool
    is_rehearsal: bool


async def apply(
    identity: Identity,
    world: World,
    body: Mapping[str, Json],
    *,
    manager: str = "api",
    take_over: bool = False,
    expected: int | None = None,
    is_rehearsal: bool = False,
) -> StoredDefinition:
    """Create or replace a definition; with `expected`, only when it is at this revision (0: is not there). A trigger
    decides about every event that is accepted from then on. A rehearsal changes nothing.

    Raises InvalidDefinition, Conflict, Changed, Denied."""
    document = files.accept(body, known=world.known)
    return await apply_document(
        identity,
        world,
        document,
        manager=manager,
        take_over=take_over,
        expected=expected,
        is_rehearsal=is_rehearsal,
    )


async def apply_document(
    identity: Identity,
    world: World,
    document: Document,
    *,
    manager: str,
    take_over: bool = False,
    expected: int | None = None,
    is_rehearsal: bool = False,
) -> StoredDefinition:
    definition = require_valid(document)
    namespace = Namespace(definition.metadata.namespace)
    permitting.require(identity, "apply", document.kind, namespace, definition.metadata.name)
    await _require_reach(identity, world, definition)
    if document.kind not in supporting.KINDS:
        known = ", ".join(sorted(supporting.KINDS))
        raise InvalidInput(f"A {document.kind} cannot be applied in this version", remedy=f"these can: {known}")
    value = files.body(document)
    hash = canonical.definition_hash(value, document.dialect)
    stored = await world.definitions.put(
        value,
        hash,
        document.dialect,
        manager,
        identity,
        uid=world.clock.uid(),
        take_over=take_over,
        expected=expected,
        is_rehearsal=is_rehearsal,
    )
    if document.kind == "Permission":
        world.access.forget()
    return stored


async def _require_reach(identity: Identity, world: World, definition: Definition) -> None:
    """A permission that concerns other namespaces is for a server's admin, who alone may also replace or delete it.
    Raises Denied."""
    if not isinstance(definition, Permission):
        return
    verb, name = "apply", definition.metadata.name
    if bylaws.reaches_beyond(definition):
        permitting.require(identity, verb, "Permission", None, name)
    with contextlib.suppress(NotFound):
        before = await world.definitions.get(Namespace(definition.metadata.namespace), "Permission", name)
        require_reach_of(identity, verb, before)


def require_reach_of(identity: Identity, verb: str, stored: StoredDefinition) -> None:
    """Raises Denied."""
    if stored.kind == "Permission" and bylaws.reaches_beyond(Permission.model_validate(stored.body)):
        permitting.require(identity, verb, "Permission", None, stored.name)


async def patch(
    identity: Identity, world: World, stored: StoredDefinition, change: Mapping[str, Json], **given: Unpack[Given]
) -> StoredDefinition:
    """Apply a merge patch to what was read. Raises Changed when it is not that any more."""
    body = merging.merge(dict(stored.body), dict(change))
    assert isinstance(body, dict)
    document = files.accept(body, known=world.known)
    if document.definition is not None and key_of(document.definition) != (stored.namespace, stored.kind, stored.name):
        raise InvalidInput("a patch cannot change the kind, name or namespace", remedy="make another definition")
    return await apply_document(identity, world, document, manager="api", expected=stored.revision, **given)


def key_of(definition: Definition) -> Key:
    return definition.metadata.namespace, definition.kind, definition.metadata.name


def require_valid(document: Document) -> Definition:
    errors = [problem for problem in document.problems if problem.severity is Severity.ERROR]
    if errors or document.definition is None:
        raise InvalidDefinition(errors or [replace(Problem(message="holds no definition"), file=document.file)])
    return document.definition


async def get(identity: Identity, world: World, namespace: Namespace, kind: str, name: str) -> StoredDefinition:
    """Raises NotFound, which names the file where one defines it and is broken."""
    permitting.require(identity, "get", kind, namespace, name)
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


async def history(
    identity: Identity, world: World, namespace: Namespace, kind: str, name: str, limit: int, before: int | None = None
) -> tuple[StoredDefinition, ...]:
    """Newest first, also of what was deleted. Raises NotFound."""
    permitting.require(identity, "get", kind, namespace, name)
    found = await world.definitions.history(namespace, kind, name, limit, before)
    if not found and before is None:
        raise NotFound(f"there never was a {kind} {name} in namespace {namespace}")
    return found


async def origins(world: World, found: Sequence[StoredDefinition]) -> Mapping[Key, Origin]:
    """The files that define them. To be asked by who may read them."""
    places = {(one.kind, one.namespace, one.name if len(found) == 1 else None) for one in found}
    known = [origin for place in places for origin in await world.origins.find(*place)]
    return {origin.key: origin for origin in known}


async def files_followed(identity: Identity, world: World) -> tuple[Origin, ...]:
    """What files define, by file, and what is wrong with it."""
    permitting.require(identity, "list", "File", None)
    return await world.origins.list(None)


async def delete(
    identity: Identity,
    world: World,
    namespace: Namespace,
    kind: str,
    name: str,
    *,
    expected: int | None = None,
    manager: str | None = "api",
) -> tuple[StoredDefinition, ...]:
    """Runs under way keep what they started with, and what a debounce of a trigger holds never fires. The triggers that
    belong to a workflow go with it, and are answered.

    Raises NotFound, Changed when it is not at that revision, and Conflict when another than `manager` manages it
    (None: whoever does)."""
    permitting.require(identity, "delete", kind, namespace, name)
    if kind == "Permission":
        require_reach_of(identity, "delete", await world.definitions.get(namespace, kind, name))
    along = await _belonging(identity, world, namespace, name, manager) if kind == "Workflow" else ()
    gone = await world.definitions.delete(namespace, kind, name, identity, expected, manager, along)
    if kind == "Permission":
        world.access.forget()
    return gone


async def _belonging(
    identity: Identity, world: World, namespace: Namespace, workflow: str, manager: str | None
) -> tuple[str, ...]:
    """The triggers that came with a workflow in a file of relay's. Raises Denied for who may not delete each."""
    if manager == FILE:
        # What files define goes as they say.
        return ()
    triggers = await world.definitions.list(namespace, "Trigger")
    names = [
        one.name
        for one in triggers
        if one.labels.get(translating.BELONGS) == workflow and manager in (None, one.manager)
    ]
    for name in names:
        permitting.require(identity, "delete", "Trigger", namespace, name)
    return tuple(names)
