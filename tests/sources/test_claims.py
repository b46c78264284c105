"""Which definition has which hook path."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ensue.model.definition import Dialect
from ensue.model.identity import SYSTEM
from ensue.model.values import DEFAULT_NAMESPACE, DefinitionHash, Namespace
from ensue.ports.store import StoredDefinition
from ensue.sources import claims

NOW = datetime(2026, 5, 4, tzinfo=UTC)
OPEN = {"type": "none"}


def stored(name: str, age: int, *sources: dict[str, Any], kind: str = "Trigger") -> claims.Owner:
    """Older by `age` seconds; a Source has one source."""
    spec: Any = {"sources": list(sources)} if kind == "Trigger" else sources[0]
    definition = StoredDefinition(
        namespace=Namespace("default"),
        kind=kind,
        name=name,
        uid=f"uid-{name}",
        generation=1,
        hash=DefinitionHash("h"),
        dialect=Dialect.ENSUE,
        manager="api",
        body={"kind": kind, "spec": spec},
        revision=1,
        applied_by=SYSTEM,
        created_at=NOW - timedelta(seconds=age),
        updated_at=NOW,
    )
    return claims.owner(definition)


def webhook(path: str, name: str = "hook", **more: Any) -> dict[str, Any]:
    return {"name": name, "type": "webhook", "with": {"path": path, "verify": OPEN}, **more}


def test_a_trigger_and_a_source_have_the_keys_that_their_events_carry() -> None:
    found = claims.settle([stored("t", 1, webhook("a")), stored("s", 1, webhook("b"), kind="Source")])
    assert {path: mount.source_key for path, mount in found.by_path.items()} == {"a": "uid-t/hook", "b": "Source/s"}
    assert found.problems == {}


def test_sources_that_are_no_webhooks_claim_nothing() -> None:
    sources = ({"name": "events", "type": "events"}, {"name": "r", "ref": "r"}, {"type": "cron", "with": {"path": "a"}})
    assert claims.settle([stored("t", 1, *sources)]) == claims.Mounts()


def test_a_trigger_can_be_in_its_own_way() -> None:
    found = claims.settle([stored("t", 1, webhook("a", "one"), webhook("a", "two"))])
    assert found.by_path["a"].source_key == "uid-t/one"
    assert [problem.path for problem in found.problems["uid-t"]] == ["spec.sources[1].with.path"]


def test_settings_that_are_wrong_claim_nothing_and_say_where() -> None:
    found = claims.settle([stored("t", 2, {"type": "webhook", "with": {"path": "a/b"}}), stored("u", 1, webhook("a"))])
    assert list(found.by_path) == ["a"]
    assert found.problems["uid-t"][0].path.startswith("spec.sources[0].with.")


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from("abc")), max_size=6), st.randoms())
def test_the_oldest_claimant_has_the_path_in_whatever_order_they_are_read(
    drawn: list[tuple[int, str]], random: Any
) -> None:
    definitions = [stored(f"t{number}", age, webhook(path)) for number, (age, path) in enumerate(drawn)]
    found = claims.settle(definitions)
    random.shuffle(definitions)
    assert claims.settle(definitions) == found
    for path, mount in found.by_path.items():
        claimants = [
            each
            for each, (_, claimed) in zip(sorted(definitions, key=lambda one: one.uid), drawn, strict=True)
            if claimed == path
        ]
        oldest = min(claimants, key=lambda each: (each.created_at, each.uid))
        assert mount.source_key == f"{oldest.uid}/hook"
        assert {each.uid for each in claimants} - {oldest.uid} <= set(found.problems)


def test_a_secret_that_is_not_there_is_told_of_with_the_command_that_sets_it() -> None:
    verify = {"type": "github", "secret": {"name": "a"}, "formerSecrets": [{"name": "b", "key": "old"}]}
    own = {"type": "webhook", "with": {"path": "p", "verify": verify}}
    definitions = [stored("t", 1, own), stored("s", 1, webhook("q"), kind="Source")]
    found = list(claims.keyless(definitions, {("a", "old"), ("b", "value")}, DEFAULT_NAMESPACE))
    assert [(uid, problem.path, problem.remedy) for uid, problem in found] == [
        ("uid-t", "spec.sources[0].with.verify", "set it with `ensue secret set a < FILE`"),
        ("uid-t", "spec.sources[0].with.verify", "set it with `ensue secret set b old < FILE`"),
    ]
    assert list(claims.keyless(definitions, {("a", "value"), ("b", "old")}, DEFAULT_NAMESPACE)) == []
    team = next(claims.keyless(definitions, set(), Namespace("team")))[1]
    assert team.remedy == "set it with `ensue secret set a -n team < FILE`"


def test_cloudevents_and_webhooks_share_the_paths_of_a_namespace() -> None:
    broker = {"name": "b", "type": "cloudevents", "with": {"path": "a", "verify": OPEN, "origins": ["*"]}}
    found = claims.settle([stored("t", 2, webhook("a"), broker), stored("u", 1, {**broker, "type": "cron"})])
    assert {path: mount.title for path, mount in found.by_path.items()} == {"a": "Trigger/t/hook"}
    (problem,) = found.problems["uid-t"]
    assert problem.path == "spec.sources[1].with.path"
