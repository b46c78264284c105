"""Which permissions concern whom, and what becomes of those that cannot be read."""

from typing import Any

from ensue.core import bylaws
from ensue.model.identity import Identity

ANN = Identity(subject="user:ann", groups=("release", "scope:viewer"))


def body(name: str, *subjects: str, **spec: Any) -> dict[str, Any]:
    own = {"subjects": list(subjects), "resources": ["run/*"], "methods": ["get"]}
    return {
        "apiVersion": "ensue.dev/v1alpha1",
        "kind": "Permission",
        "metadata": {"name": name, "namespace": "team"},
        "spec": own | spec,
    }


def names(*bodies: dict[str, Any]) -> list[str]:
    return [right.name for right in bylaws.enact(bodies).of(ANN)]


def test_a_permission_concerns_its_subjects_and_their_groups() -> None:
    found = names(
        body("one", "user:ann"), body("two", "group:release"), body("three", "*"), body("four", "user:bob"),
        body("five", "group:scope:viewer"), body("six", "user:bob", "user:ann"),
    )  # fmt: skip
    assert found == ["team/one", "team/two", "team/three", "team/six"]


def test_a_permission_holds_in_its_namespace_unless_it_says_where() -> None:
    own, wide = bylaws.enact([body("own", "*"), body("wide", "*", namespaces=["*"])]).of(ANN)
    assert (own.namespaces, wide.namespaces) == (("team",), ("*",))


def test_a_permission_that_cannot_be_read_allows_nothing_and_closes_what_it_denied() -> None:
    found = bylaws.enact([body("allows", "*", effect="Allow", new=1), body("denies", "*", effect="Deny", new=1)])
    assert found.unreadable == ("team/allows", "team/denies")
    (right,) = found.of(ANN)
    assert (right.name, right.is_denial, right.namespaces, right.resources) == ("team/denies", True, ("team",), ("*",))
    (right,) = bylaws.enact([{"metadata": {"namespace": "team"}}]).of(ANN)
    assert right.is_denial
