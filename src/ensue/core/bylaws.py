"""The permissions of a server, made ready to be asked: which of them concern an identity. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from ensue.core.permitting import ANY, SCOPE
from ensue.model.identity import Identity, Right
from ensue.model.permission import Effect, Permission
from ensue.model.values import Json


@dataclass(frozen=True, slots=True)
class Bylaws:
    """Each right with the subjects that it is for."""

    rights: tuple[tuple[frozenset[str], Right], ...] = ()
    unreadable: tuple[str, ...] = ()

    def of(self, identity: Identity) -> tuple[Right, ...]:
        names = {ANY, identity.subject, *(f"group:{group}" for group in identity.groups if not group.startswith(SCOPE))}
        return tuple(right for subjects, right in self.rights if not subjects.isdisjoint(names))


def enact(bodies: Iterable[Mapping[str, Json]]) -> Bylaws:
    """From stored permissions. One that cannot be read allows nothing; if it was there to deny, it denies everything
    in its namespace: an upgrade must not open what was closed."""
    rights, unreadable = [], []
    for body in bodies:
        try:
            rights.append(_right(Permission.model_validate(body)))
        except ValidationError:
            unreadable.append(_name(body))
            if _denies(body):
                rights.append((frozenset({ANY}), _closed(body)))
    return Bylaws(tuple(rights), tuple(unreadable))


def _right(permission: Permission) -> tuple[frozenset[str], Right]:
    metadata, spec = permission.metadata, permission.spec
    right = Right(
        name=f"{metadata.namespace}/{metadata.name}",
        methods=spec.methods,
        resources=spec.resources,
        namespaces=spec.namespaces or (metadata.namespace,),
        is_denial=spec.effect is Effect.DENY,
    )
    return frozenset(spec.subjects), right


def reaches_beyond(permission: Permission) -> bool:
    """Whether it concerns more than the namespace that it is in."""
    return any(namespace != permission.metadata.namespace for namespace in permission.spec.namespaces)


def _closed(body: Mapping[str, Json]) -> Right:
    namespace = _name(body).partition("/")[0]
    return Right(name=_name(body), methods=(ANY,), resources=(ANY,), namespaces=(namespace,), is_denial=True)


def _denies(body: Mapping[str, Json]) -> bool:
    spec = body.get("spec")
    return not isinstance(spec, dict) or (spec.get("effect") != Effect.ALLOW.value and "effect" in spec)


def _name(body: Mapping[str, Json]) -> str:
    metadata = body.get("metadata")
    found = metadata if isinstance(metadata, dict) else {}
    return f"{found.get('namespace', 'default')}/{found.get('name', '')}"
