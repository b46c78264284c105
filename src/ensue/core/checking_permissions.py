"""Findings in permissions, groups and scopes: a word that names nothing allows or denies nothing, unnoticed. Pure."""

import re
from collections.abc import Iterator

from ensue.core import permitting, roles
from ensue.core.checking_paths import render
from ensue.core.permitting import ANY, ROLE, SCOPE, SYSTEM_GROUP
from ensue.expr.spelling import did_you_mean
from ensue.model.errors import InvalidInput, Problem
from ensue.model.identity import Right
from ensue.model.permission import Effect, Permission
from ensue.model.values import NAME_PATTERN

KINDS = {kind.lower(): kind for kind in roles.VERBS}
SUBJECT = re.compile(r"(user|token):[^\s,]{1,250}")
GROUP = re.compile(r"[^\s,]{1,250}")
SCOPE_FORMS = "write a role as viewer@NAMESPACE, or METHODS:RESOURCES@NAMESPACE as get,start:run/*@team"


def check(permission: Permission) -> Iterator[Problem]:
    spec = permission.spec
    for index, subject in enumerate(spec.subjects):
        if fault := _group_fault(subject.removeprefix("group:")) if subject.startswith("group:") else None:
            yield Problem(message=fault[0], remedy=fault[1], path=render(("spec", "subjects", index)))
    for index, method in enumerate(spec.methods):
        if fault := _method_fault(method):
            yield Problem(message=fault[0], remedy=fault[1], path=render(("spec", "methods", index)))
    for index, resource in enumerate(spec.resources):
        if fault := _resource_fault(resource):
            yield Problem(message=fault[0], remedy=fault[1], path=render(("spec", "resources", index)))
    if spec.effect is Effect.ALLOW:
        yield from _idle(permission)


def _idle(permission: Permission) -> Iterator[Problem]:
    for kind, verbs in roles.NOT_FOR_GIVING.items():
        own = [resource for resource in permission.spec.resources if resource.partition("/")[0] == kind.lower()]
        if own and (given := verbs & set(permission.spec.methods)):
            yield Problem(
                message=f"no permission can allow {', '.join(sorted(given))} on {own[0]}",
                remedy="give the group role:admin, or role:admin@NAMESPACE",
                path=render(("spec", "methods")),
            )


def check_subject(subject: str) -> str:
    """A subject of tokens and users, `ann` meaning `user:ann`. Raises InvalidInput."""
    full = subject if ":" in subject else f"user:{subject}"
    if not SUBJECT.fullmatch(full):
        raise InvalidInput(f'"{subject}" is no subject', remedy="write user:NAME, or token:NAME for a program")
    return full


def check_groups(groups: tuple[str, ...]) -> None:
    """Groups that somebody is put into. Raises InvalidInput."""
    for group in groups:
        if group.startswith(SCOPE):
            raise InvalidInput(f"{group} is no group", remedy="name scopes by themselves")
        if group == SYSTEM_GROUP or not GROUP.fullmatch(group):
            raise InvalidInput(f'nobody can be in the group "{group}"', remedy="use letters, digits, `-`, `_`, `.`")
        if fault := _group_fault(group):
            raise InvalidInput(fault[0], remedy=fault[1])


def check_scopes(scopes: tuple[str, ...]) -> None:
    """Raises InvalidInput."""
    for scope in scopes:
        found = permitting.scope_of(scope)
        if found is None:
            raise InvalidInput(f'"{scope}" is no scope', remedy=_role_meant(scope) or SCOPE_FORMS)
        what, place = found
        faults = [] if place == ANY or re.fullmatch(NAME_PATTERN, place) else [(f'"{place}" is no namespace', "")]
        if isinstance(what, Right):
            faults += filter(None, (_method_fault(method) for method in what.methods))
            faults += filter(None, (_resource_fault(resource) for resource in what.resources))
        for message, remedy in faults:
            raise InvalidInput(f"scope {scope}: {message}", remedy=remedy)


def _group_fault(group: str) -> tuple[str, str] | None:
    """A group that looks like a role and is none."""
    if not group.startswith(ROLE):
        return None
    found = permitting.role_of(group.removeprefix(ROLE))
    if found is None:
        return f"{group} names no role", _role_meant(group.removeprefix(ROLE)) or _all_roles()
    if found[1] != ANY and not re.fullmatch(NAME_PATTERN, found[1]):
        return f'"{found[1]}" is not the name of a namespace', "write role:ROLE@NAMESPACE"
    return None


def _role_meant(text: str) -> str:
    return did_you_mean(text.partition("@")[0], list(roles.Role)) or ""


def _all_roles() -> str:
    return f"one of {', '.join(roles.Role)}"


def _method_fault(method: str) -> tuple[str, str] | None:
    if method == ANY or method in roles.ALL_VERBS:
        return None
    remedy = did_you_mean(method, sorted(roles.ALL_VERBS)) or f"one of {', '.join(sorted(roles.ALL_VERBS))}, or *"
    return f'there is no method "{method}"', remedy


def _resource_fault(resource: str) -> tuple[str, str] | None:
    kind = resource.partition("/")[0]
    if kind == ANY or kind in KINDS:
        return None
    meant = did_you_mean(kind, sorted(KINDS)) or f"KIND/NAME, with one of {', '.join(sorted(KINDS))}, or *"
    return f'there is no kind of resource "{kind}"', meant
