"""Who may do what: rights, roles, scopes, and which of them wins."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensue.core import permitting, roles
from ensue.core.roles import Role
from ensue.model.errors import Denied
from ensue.model.identity import Identity, Right
from ensue.model.values import Namespace

TEAM, OTHER = Namespace("team"), Namespace("other")


def right(
    *resources: str, methods: tuple[str, ...] = ("*",), places: tuple[str, ...] = ("team",), **more: Any
) -> Right:
    return Right(name="team/p", methods=methods, resources=resources, namespaces=places, **more)


def denial(*resources: str, **more: Any) -> Right:
    return right(*resources, is_denial=True, **more)


def who(*groups: str, rights: tuple[Right, ...] = ()) -> Identity:
    return Identity(subject="user:bob", groups=groups, rights=rights)


def may(identity: Identity, verb: str, kind: str, namespace: Namespace | None = TEAM, name: str = "") -> bool:
    try:
        permitting.require(identity, verb, kind, namespace, name)
    except Denied:
        return False
    return True


@pytest.mark.parametrize(
    ("rights", "asked", "expected"),
    [
        ((), ("get", "Run", TEAM, "a"), False),
        ((right("run/*"),), ("get", "Run", TEAM, "a"), True),
        ((right("run"),), ("get", "Run", TEAM, "a"), True),
        ((right("*"),), ("get", "Run", TEAM, "a"), True),
        ((right("*/a"),), ("get", "Run", TEAM, "a"), True),
        ((right("run/b*"),), ("get", "Run", TEAM, "a"), False),
        ((right("run/b*"),), ("get", "Run", TEAM, "build-x"), True),
        ((right("workflow/*"),), ("get", "Run", TEAM, "a"), False),
        ((right("run/*", methods=("list",)),), ("get", "Run", TEAM, "a"), False),
        ((right("run/*"),), ("get", "Run", OTHER, "a"), False),
        ((right("run/*", places=("team", "other")),), ("get", "Run", OTHER, "a"), True),
        ((right("run/*"),), ("list", "Run", None), False),
        ((right("run/*", places=("*",)),), ("list", "Run", None), True),
        # A step's title is in the name of its approval, and stands for itself.
        ((right("approval/r-1.Deploy [prod]!"),), ("approve", "Approval", TEAM, "r-1.Deploy [prod]!"), True),
        ((right("*"), denial("approval/*.Ask: a/b [c]")), ("approve", "Approval", TEAM, "r-1.Ask: a/b [c]"), False),
        ((right("approval/r-1.[ab]"),), ("approve", "Approval", TEAM, "r-1.a"), False),
        # A part is not the whole.
        ((right("run/b*"),), ("list", "Run", TEAM), False),
        ((right("*"), denial("run/b*")), ("list", "Run", TEAM), False),
        ((right("*"), denial("run/b*", methods=("get",))), ("list", "Run", TEAM), False),
        ((right("*"), denial("run/b*", methods=("start",))), ("list", "Run", TEAM), True),
        ((right("*", places=("*",)), denial("run/*", places=("other",))), ("list", "Run", None), False),
        ((right("*", places=("*",)), denial("run/*", places=("other",))), ("list", "Run", TEAM), True),
        # Deny beats Allow, in any order.
        ((denial("run/b"), right("*")), ("get", "Run", TEAM, "b"), False),
        ((right("*"), denial("run/b")), ("get", "Run", TEAM, "b"), False),
        ((right("*"), denial("run/b")), ("get", "Run", TEAM, "c"), True),
        # What would let one give oneself the rest.
        ((right("*", places=("*",)),), ("apply", "Permission", TEAM, "p"), False),
        ((right("*", places=("*",)),), ("get", "Permission", TEAM, "p"), True),
        ((right("*", places=("*",)),), ("create", "Token", None), False),
        ((right("*", places=("*",)),), ("list", "Token", None), True),
    ],
)  # fmt: skip
def test_permissions_allow_and_deny(rights: tuple[Right, ...], asked: tuple[Any, ...], expected: bool) -> None:
    assert may(who(rights=rights), *asked) is expected


@pytest.mark.parametrize(
    ("groups", "asked", "expected"),
    [
        (("role:editor@team",), ("apply", "Workflow", TEAM, "w"), True),
        (("role:editor@team",), ("apply", "Workflow", OTHER, "w"), False),
        (("role:editor",), ("apply", "Workflow", OTHER, "w"), True),
        (("role:viewer@team",), ("list", "Run", None), False),
        (("role:viewer",), ("list", "Run", None), True),
        (("admin",), ("create", "Token", None), True),
        (("role:admin@team",), ("create", "Token", None), False),
        (("role:admin@team",), ("apply", "Permission", TEAM, "p"), True),
        (("role:nobody", "role:", "role:admin@"), ("get", "Run", TEAM, "a"), False),
        # Scopes take away, and never give.
        (("role:editor", "scope:viewer"), ("apply", "Workflow", TEAM, "w"), False),
        (("role:editor", "scope:viewer"), ("get", "Workflow", TEAM, "w"), True),
        (("role:editor", "scope:viewer@other"), ("get", "Workflow", TEAM, "w"), False),
        (("role:editor", "scope:viewer@other", "scope:apply:workflow/w@team"), ("apply", "Workflow", TEAM, "w"), True),
        (("role:viewer", "scope:apply:workflow/w@team"), ("apply", "Workflow", TEAM, "w"), False),
        (("scope:admin",), ("get", "Workflow", TEAM, "w"), False),
        (("admin", "scope:nonsense"), ("get", "Workflow", TEAM, "w"), False),
        (("system",), ("rotate", "Secret", None), True),
    ],
)
def test_groups_give_roles_and_scopes_narrow_them(
    groups: tuple[str, ...], asked: tuple[Any, ...], expected: bool
) -> None:
    assert may(who(*groups), *asked) is expected


def test_an_admin_can_take_back_a_denial_of_everything() -> None:
    shut = denial("*", places=("*",))
    assert may(who("admin", rights=(shut,)), "delete", "Permission", TEAM, "p")
    assert not may(who("admin", rights=(shut,)), "delete", "Workflow", TEAM, "w")
    assert not may(who("role:editor", rights=(shut,)), "delete", "Permission", TEAM, "p")
    assert not may(who("role:admin@other", rights=(shut,)), "delete", "Permission", TEAM, "p")


@pytest.mark.parametrize("namespace", [TEAM, None])
def test_a_denial_says_who_what_where_and_what_to_ask_for(namespace: Namespace | None) -> None:
    with pytest.raises(Denied) as caught:
        permitting.require(who("role:viewer@team"), "start", "Run", namespace, "build")
    where = "in namespace team" if namespace else "on the whole server"
    assert caught.value.message.startswith(f"user:bob may not start run/build {where}: ")
    assert f"the group role:runner{'@team' if namespace else ''}" in caught.value.remedy
    permission = "a Permission that allows start on run/build"
    assert caught.value.remedy.endswith(permission if namespace else f'{permission}, with namespaces: ["*"]')
    assert caught.value.refused is not None


def test_a_token_that_was_made_for_less_is_named_as_the_reason() -> None:
    with pytest.raises(Denied, match="the token was made for less") as caught:
        permitting.require(who("admin", "scope:viewer"), "start", "Run", TEAM, "build")
    assert "another --scope" in caught.value.remedy


def test_a_denial_that_beats_a_role_is_named_as_what_to_change() -> None:
    with pytest.raises(Denied) as caught:
        permitting.require(who("admin", rights=(denial("*"),)), "start", "Run", TEAM, "build")
    assert f"permission {denial('*').name}" in caught.value.remedy


def test_before_an_object_is_found_some_right_to_objects_of_its_kind_is_needed() -> None:
    permitting.require_some(who(rights=(right("run/b*"),)), "get", "Run", TEAM)
    permitting.require_some(who("role:viewer"), "get", "Run", TEAM)
    permitting.require_some(who("system"), "get", "Run", TEAM)
    for identity in (who(), who(rights=(right("workflow/*"),)), who(rights=(denial("run/*"),))):
        with pytest.raises(Denied):
            permitting.require_some(identity, "get", "Run", TEAM)


words = st.sampled_from(["get", "list", "start", "apply", "*"])
patterns = st.sampled_from(["*", "run/*", "run/a", "run/b*", "workflow/*", "permission/*"])
places = st.sampled_from(["*", "team", "other"])
rights_ = st.builds(
    lambda method, pattern, place, is_denial: right(pattern, methods=(method,), places=(place,), is_denial=is_denial),
    words, patterns, places, st.booleans(),
)  # fmt: skip
groups_ = st.lists(
    st.sampled_from(["role:viewer", "role:editor@team", "role:runner@other", "ops", "scope:viewer", "admin"]),
    max_size=3,
)
questions = st.tuples(
    st.sampled_from(["get", "list", "start", "apply"]),
    st.sampled_from(["Run", "Workflow", "Permission"]),
    st.sampled_from([TEAM, OTHER, None]),
    st.sampled_from(["", "a", "bc"]),
)


@given(groups_, st.lists(rights_, max_size=4), questions)
def test_the_order_of_permissions_and_groups_does_not_matter(
    groups: list[str], rights: list[Right], asked: tuple[str, str, Namespace | None, str]
) -> None:
    forth, back = who(*groups, rights=tuple(rights)), who(*groups[::-1], rights=tuple(rights[::-1]))
    assert may(forth, *asked) == may(back, *asked)


@given(groups_, st.lists(rights_, max_size=4), rights_, questions)
def test_a_denial_more_never_allows_more_and_an_allowance_more_never_less(
    groups: list[str], rights: list[Right], more: Right, asked: tuple[str, str, Namespace | None, str]
) -> None:
    before = may(who(*groups, rights=tuple(rights)), *asked)
    after = may(who(*groups, rights=(*rights, more)), *asked)
    assert not (after and not before) if more.is_denial else not (before and not after)


@given(groups_, st.lists(rights_, max_size=4), questions)
def test_who_may_see_a_list_may_see_each_of_it(
    groups: list[str], rights: list[Right], asked: tuple[str, str, Namespace | None, str]
) -> None:
    identity = who(*groups, rights=tuple(rights))
    whole = (asked[0], asked[1], asked[2], "")
    if may(identity, *whole):
        assert may(identity, *asked)


@pytest.mark.parametrize("role", Role)
def test_the_role_to_ask_for_is_enough(role: Role) -> None:
    for kind, verbs in roles.VERBS.items():
        for verb in verbs:
            assert roles.may(roles.least(verb, kind), verb, kind)
            assert roles.may(Role.ADMIN, verb, kind)
            assert not roles.may(role, "no-such-verb", kind) or role is Role.ADMIN
