"""Every operation, by every role, in its namespace, in another and on the whole server."""

import inspect
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from ensue.core import checking, permitting, roles
from ensue.core.roles import Role
from ensue.files.documents import Document
from ensue.files.marks import Marks
from ensue.model.definition import Dialect
from ensue.model.errors import Denied
from ensue.model.identity import SYSTEM, Identity
from ensue.model.permission import Permission
from ensue.model.secret import SecretPlace
from ensue.model.values import EPOCH, DefinitionHash, Namespace
from ensue.operations import approvals, logs, pushing, rerunning, runs, tokens
from ensue.ports.store import RunFilter, StoredDefinition
from tests.operations import surveying
from tests.operations.places import event

TEAM, OTHER = Namespace("team"), Namespace("other")
ALL = {"viewer", "runner", "approver", "editor", "admin"}
RUNNERS, EDITORS, ADMINS = {"runner", "editor", "admin"}, {"editor", "admin"}, {"admin"}
# Written by hand, so that it is not what the code says about itself.
EXPECTED: dict[tuple[str, str], set[str]] = {
    **{(verb, kind): ALL for kind in ("Workflow", "Trigger", "Source", "Tenant") for verb in ("get", "list")},
    **{(verb, kind): EDITORS for kind in ("Workflow", "Trigger", "Source", "Tenant") for verb in ("apply", "delete")},
    **{(verb, "Permission"): ADMINS for verb in ("get", "list", "apply", "delete")},
    ("push", "Trigger"): RUNNERS,
    **{(verb, "Run"): ALL for verb in ("get", "list")},
    **{(verb, "Run"): RUNNERS for verb in ("start", "cancel", "pause", "resume", "rerun", "set-state")},
    **{(verb, "Event"): ALL for verb in ("get", "list")},
    **{(verb, "Event"): RUNNERS for verb in ("create", "replay")},
    **{(verb, "Secret"): EDITORS for verb in ("list", "set", "delete")},
    ("rotate", "Secret"): ADMINS,
    **{(verb, "Approval"): ALL for verb in ("get", "list")},
    **{(verb, "Approval"): {"approver", "admin"} for verb in ("approve", "reject")},
    ("list", "Worker"): ALL,
    ("get", "Metrics"): ALL,
    ("list", "File"): ALL,
    **{(verb, "Token"): ADMINS for verb in ("create", "list", "delete")},
    **{(verb, "Audit"): ADMINS for verb in ("list", "verify")},
}  # fmt: skip
ASKED = sorted(set(surveying.asked()))
FREE = {"create_link", "check"}
"""Tell or give nobody more than the asking identity has."""


def test_every_operation_has_its_row_and_no_row_is_of_none() -> None:
    assert set(ASKED) == set(EXPECTED)
    assert [asked for asked in ASKED if asked[0] not in roles.VERBS.get(asked[1], {})] == []


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize(("verb", "kind"), ASKED)
def test_each_role_may_do_its_part_where_it_holds_and_nowhere_else(verb: str, kind: str, role: Role) -> None:
    has_it = role in EXPECTED[verb, kind]
    there, everywhere = (Identity(subject="user:x", groups=(f"role:{role}{at}",)) for at in ("@team", ""))
    asked = ((there, TEAM), (there, OTHER), (there, None), (everywhere, OTHER), (everywhere, None))
    found = [is_allowed(identity, verb, kind, namespace) for identity, namespace in asked]
    assert found == [has_it, False, False, has_it, has_it]
    assert not is_allowed(Identity(subject="user:x", groups=(role, "team")), verb, kind, TEAM) or role == "admin"


def is_allowed(identity: Identity, verb: str, kind: str, namespace: Namespace | None) -> bool:
    try:
        permitting.require(identity, verb, kind, namespace, "one")
    except Denied:
        return False
    return True


class Untouched:
    """A world that nobody may look at, let alone change."""

    def __getattr__(self, name: str) -> Any:
        if name == "known":
            return checking.NOTHING_MORE
        raise AssertionError(f"the operation touched {name} before it asked")


GIVEN: dict[str, Any] = {
    "namespace": TEAM,
    "name": "one",
    "kind": "Workflow",
    "uid": "u",
    "id": "i",
    "events": [event(namespace=TEAM)],
    "request": runs.Start(namespace=TEAM, workflow="one"),
    "select": RunFilter(namespace=TEAM),
    "place": SecretPlace(namespace=TEAM, name="one"),
    "value": b"value",
    "wanted": tokens.Wanted(subject="x", expires=timedelta(days=1)),
    "limit": 1,
    "after": "",
    "is_newest_first": True,
    "timeout": 0.0,
    "is_paused": True,
    "step": "one",
    "given": {"answer": "yes"},
    "pushed": pushing.Pushed(data={}),
    "said": approvals.Said(is_approval=True),
    "manager": "api",
    "verb": "get",
    "body": {
        "apiVersion": "ensue.dev/v1alpha1",
        "kind": "Permission",
        "metadata": {"name": "one", "namespace": "team"},
        "spec": {"subjects": ["*"], "resources": ["*"], "methods": ["*"]},
    },
}
OWN: dict[Callable[..., Any], dict[str, Any]] = {
    logs.read: {"select": logs.Select()},
    rerunning.rerun: {"request": rerunning.Rerun(namespace=TEAM, name="one")},
}
GIVEN["change"] = {"metadata": {"labels": {"a": "b"}}}
GIVEN["stored"] = StoredDefinition(
    namespace=TEAM,
    kind="Permission",
    name="one",
    uid="u",
    generation=1,
    hash=DefinitionHash("h"),
    dialect=Dialect.ENSUE,
    manager="api",
    body=GIVEN["body"],
    revision=1,
    applied_by=SYSTEM,
    created_at=EPOCH,
    updated_at=EPOCH,
)
GIVEN["document"] = Document(
    file="f", kind="Permission", marks=Marks(None), definition=Permission.model_validate(GIVEN["body"])
)


@pytest.mark.parametrize(
    "operation",
    [pytest.param(one, id=f"{one.__module__.rpartition('.')[2]}.{one.__name__}") for one in surveying.verbs()],
)
async def test_every_operation_asks_before_it_does_anything(operation: Callable[..., Any]) -> None:
    if operation.__name__ in FREE:
        return
    parameters = list(inspect.signature(operation).parameters.values())[2:]
    needed = (inspect.Parameter.empty, inspect.Parameter.VAR_KEYWORD)
    wanted = [one for one in parameters if one.default is needed[0] and one.kind is not needed[1]]
    own = OWN.get(operation, {})
    given = {one.name: own[one.name] if one.name in own else GIVEN[one.name] for one in wanted}
    found = operation(Identity(subject="user:nobody", groups=("role:admin@other",)), Untouched(), **given)
    with pytest.raises(Denied):
        await (anext(found) if inspect.isasyncgen(found) else found)
