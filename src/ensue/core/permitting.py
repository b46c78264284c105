"""Who may do what. Default deny; an explicit Deny beats every Allow and every role. Pure."""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Final, NamedTuple

from ensue.core import roles
from ensue.core.roles import Role
from ensue.model.errors import Denied
from ensue.model.identity import EVERYWHERE, Identity, Refused, Right
from ensue.model.values import Namespace

ANY: Final = "*"
SYSTEM_GROUP: Final = "system"
ADMIN_GROUP: Final = "admin"
"""The same as `role:admin`."""
ROLE: Final = "role:"
SCOPE: Final = "scope:"
SHOWS: Final = {"list": ("list", "get")}
"""Who is denied one of these is denied the other: a list shows what it is of."""

TAKE_BACK: Final = "a Deny beats every role: who may, deletes or changes permission {}"
WIDEN: Final = "make a token with another --scope, or without any"


class Standing(NamedTuple):
    """What the groups of an identity mean."""

    roles: tuple[tuple[Role, str], ...]
    """Each with its namespace, or EVERYWHERE."""
    scopes: tuple[tuple[Role | Right, str], ...]
    is_narrowed: bool


class Why(NamedTuple):
    reason: str
    remedy: str


def require(identity: Identity, verb: str, kind: str, namespace: Namespace | None, name: str = "") -> None:
    """Raises Denied. Without a namespace it is about the whole server, without a name about all objects of the kind:
    then what is allowed in parts is not enough, and what is denied in parts is too much."""
    refused = Refused(identity=identity, verb=verb, kind=kind, namespace=namespace, name=name)
    if (why := _refusal(refused)) is not None:
        raise _denied(refused, why)


def require_some(identity: Identity, verb: str, kind: str, namespace: Namespace | None) -> None:
    """Raises Denied when there is no name for which it would be allowed: asked before an object is looked for."""
    refused = Refused(identity=identity, verb=verb, kind=kind, namespace=namespace)
    if _is_systems(identity):
        return
    some = [right for right in identity.rights if not right.is_denial and _is_about(right, refused, is_all=False)]
    if not some and not _has_role(_standing(identity.groups), refused):
        raise _denied(refused, _nothing(refused))


def _refusal(asked: Refused) -> Why | None:
    """Why not; None when it is allowed."""
    identity = asked.identity
    if _is_systems(identity):
        return None
    standing = _standing(identity.groups)
    has_role = _has_role(standing, asked)
    denials = [right for right in identity.rights if right.is_denial and _is_about(right, asked, is_all=False)]
    if denials and not (has_role and _is_way_back(asked)):
        return Why(f"the permission {denials[0].name} denies it", TAKE_BACK.format(denials[0].name))
    if not has_role and not any(_gives(right, asked) for right in identity.rights):
        return _nothing(asked)
    if standing.is_narrowed and not any(_reaches(scope, place, asked) for scope, place in standing.scopes):
        return Why("the token was made for less", WIDEN)
    return None


def _nothing(asked: Refused) -> Why:
    groups = ", ".join(group for group in asked.identity.groups if not group.startswith(SCOPE))
    return Why(f"nothing allows it to {groups or 'who is in no group'}", _wanting(asked))


def _wanting(asked: Refused) -> str:
    """Whom to ask for what."""
    role = f"role:{roles.least(asked.verb, asked.kind)}{f'@{asked.namespace}' if asked.namespace else ''}"
    remedy = f"ask an admin for the group {role}"
    if asked.verb in roles.NOT_FOR_GIVING.get(asked.kind, ()):
        return remedy
    where = "" if asked.namespace else ', with namespaces: ["*"]'
    return f"{remedy}, or for a Permission that allows {asked.verb} on {asked.kind.lower()}/{asked.name or ANY}{where}"


def _is_systems(identity: Identity) -> bool:
    return SYSTEM_GROUP in identity.groups


def _has_role(standing: Standing, asked: Refused) -> bool:
    return any(_covers((place,), asked) and roles.may(role, asked.verb, asked.kind) for role, place in standing.roles)


def _is_way_back(asked: Refused) -> bool:
    """An admin can always take back a Deny that went too far: nobody locks everybody out."""
    return asked.kind == "Permission"


def _gives(right: Right, asked: Refused) -> bool:
    if right.is_denial or asked.verb in roles.NOT_FOR_GIVING.get(asked.kind, ()):
        return False
    return _is_about(right, asked, is_all=True)


def _reaches(scope: Role | Right, place: str, asked: Refused) -> bool:
    if isinstance(scope, Role):
        return _covers((place,), asked) and roles.may(scope, asked.verb, asked.kind)
    return _is_about(scope, asked, is_all=True)


def _is_about(right: Right, asked: Refused, *, is_all: bool) -> bool:
    """Whether it concerns all that is asked for, or any part of it."""
    verbs = SHOWS.get(asked.verb, (asked.verb,)) if right.is_denial else (asked.verb,)
    if ANY not in right.methods and not any(verb in right.methods for verb in verbs):
        return False
    if not (_covers(right.namespaces, asked) if is_all else _touches(right.namespaces, asked)):
        return False
    return any(_is_of(pattern, asked, is_all=is_all) for pattern in right.resources)


def _covers(namespaces: Iterable[str], asked: Refused) -> bool:
    return EVERYWHERE in namespaces or (asked.namespace is not None and asked.namespace in namespaces)


def _touches(namespaces: Iterable[str], asked: Refused) -> bool:
    return asked.namespace is None or _covers(namespaces, asked)


def _is_of(pattern: str, asked: Refused, *, is_all: bool) -> bool:
    kind, _, name = pattern.partition("/")
    name = name or ANY
    if kind not in (ANY, asked.kind.lower()):
        return False
    if not asked.name:
        return name == ANY or not is_all
    # A step's title, and so an approval's name, may hold brackets: they stand for themselves.
    return name == ANY or fnmatchcase(asked.name, name.replace("[", "[[]"))


@lru_cache(maxsize=1024)
def _standing(groups: tuple[str, ...]) -> Standing:
    own = [(Role.ADMIN, EVERYWHERE)] if ADMIN_GROUP in groups else []
    named = [role_of(group.removeprefix(ROLE)) for group in groups if group.startswith(ROLE)]
    scopes = [scope_of(group.removeprefix(SCOPE)) for group in groups if group.startswith(SCOPE)]
    return Standing(
        roles=(*own, *(role for role in named if role is not None)),
        scopes=tuple(scope for scope in scopes if scope is not None),
        is_narrowed=bool(scopes),
    )


def role_of(text: str) -> tuple[Role, str] | None:
    """`editor@team` or `editor`: a role, and the namespace in which it holds. None when it is neither."""
    name, at, place = text.partition("@")
    if name not in set(Role) or (at and not place):
        return None
    return Role(name), place or EVERYWHERE


def scope_of(text: str) -> tuple[Role | Right, str] | None:
    """`viewer@team`, or METHODS:RESOURCES[@NAMESPACE] as `get,start:run/build*@team`. None when it is neither."""
    if ":" not in text:
        return role_of(text)
    rest, at, place = text.partition("@")
    methods, _, resources = rest.partition(":")
    if not methods or not resources or (at and not place):
        return None
    found = Right(
        name=text,
        methods=tuple(methods.split(",")),
        resources=tuple(resources.split(",")),
        namespaces=(place or EVERYWHERE,),
    )
    return found, place or EVERYWHERE


def _denied(asked: Refused, why: Why) -> Denied:
    thing = f"{asked.kind.lower()}/{asked.name}" if asked.name else asked.kind
    where = f" in namespace {asked.namespace}" if asked.namespace else " on the whole server"
    sentence = f"{asked.identity.subject} may not {asked.verb} {thing}{where}: {why.reason}"
    return Denied(sentence, remedy=why.remedy, refused=asked)
