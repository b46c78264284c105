"""Which sources are to be at work."""

from datetime import UTC, datetime
from typing import Any

import pytest

from ensue.core import deciding
from ensue.model.definition import Dialect
from ensue.model.identity import Identity
from ensue.model.trigger import TriggerSource
from ensue.model.values import DEFAULT_NAMESPACE, DefinitionHash
from ensue.ports.store import StoredDefinition
from ensue.runtime import wanting
from ensue.sources import claims

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CRON: dict[str, Any] = {"type": "cron", "with": {"schedule": "@daily"}}


def stored(kind: str, name: str, spec: Any) -> StoredDefinition:
    return StoredDefinition(
        namespace=DEFAULT_NAMESPACE,
        kind=kind,
        name=name,
        uid=f"uid-{name}",
        generation=1,
        hash=DefinitionHash("h"),
        dialect=Dialect.ENSUE,
        manager="api",
        body={"spec": spec},
        revision=1,
        applied_by=Identity(subject="user:ann"),
        created_at=NOW,
        updated_at=NOW,
    )


DOOR: dict[str, Any] = {"type": "container-webhook", "with": {"image": "i", "tenant": "ours"}}
SINK = {"triggerEventSink": {"api": {"url": "http://sink"}}}
SOURCE = stored("Source", "s", CRON)


def test_sources_are_called_by_the_names_of_their_definitions() -> None:
    trigger = stored("Trigger", "t", {"sources": [{**CRON, "name": "a"}]})
    assert [want.title for one in (trigger, SOURCE) for want in wanting.own(one)] == ["Trigger/t/a", "Source/s"]


@pytest.mark.parametrize(
    ("definitions", "expected"),
    [
        ([stored("Trigger", "t", {"sources": [CRON]})], {"uid-t/cron"}),
        ([stored("Trigger", "t", {"sources": [CRON], "enabled": False})], set()),
        ([stored("Trigger", "t", {"sources": [{**CRON, "name": "a"}, {**CRON, "name": "b"}]})], {"uid-t/a", "uid-t/b"}),
        (
            [stored("Trigger", "t", {"sources": [{"type": "events"}, {"type": "webhook"}]})],
            {"events", "uid-t/webhook"},
        ),
        ([SOURCE], set()),
        ([SOURCE, stored("Trigger", "t", {"sources": [{"ref": "s"}]})], {"Source/s"}),
        ([SOURCE, stored("Trigger", "t", {"sources": [{"ref": "s"}], "enabled": False})], set()),
        ([SOURCE, stored("Trigger", "t", {"sources": [{"ref": "other"}]})], set()),
        (
            [stored("Source", "s", {**CRON, "enabled": False}), stored("Trigger", "t", {"sources": [{"ref": "s"}]})],
            set(),
        ),
        ([stored("Trigger", "t", {"sources": "nothing"}), stored("Trigger", "u", None)], set()),
    ],
)
def test_a_source_is_wanted_while_an_enabled_trigger_sees_it(
    definitions: list[StoredDefinition], expected: set[str]
) -> None:
    assert wanting.wanted(definitions).keys() == expected


@pytest.mark.parametrize(
    ("source", "tenant", "is_wanted"),
    [
        (DOOR, stored("Tenant", "ours", SINK), True),
        ({**DOOR, "enabled": False}, stored("Tenant", "ours", SINK), False),
        (DOOR, stored("Tenant", "theirs", SINK), False),
        (DOOR, stored("Tenant", "ours", {}), False),
        (DOOR, stored("Tenant", "ours", {"triggerEventSink": {}}), False),
        (DOOR, stored("Workflow", "ours", SINK), False),
        ({**DOOR, "with": {"image": "i"}}, stored("Tenant", "ours", SINK), False),
        ({**DOOR, "with": "nothing"}, stored("Tenant", "ours", SINK), False),
        ({**CRON, "with": {"tenant": "ours"}}, stored("Tenant", "ours", SINK), False),
    ],
)
def test_a_webhook_of_relay_is_wanted_while_its_tenant_has_a_sink_for_its_events(
    source: dict[str, Any], tenant: StoredDefinition, is_wanted: bool
) -> None:
    found = wanting.wanted([stored("Source", "door", source), tenant])
    assert found.keys() == ({"Source/door"} if is_wanted else set())


@pytest.mark.parametrize(
    ("kind", "source"),
    [
        ("Trigger", {"name": "hook", "type": "webhook", "with": {"path": "a", "verify": {"type": "none"}}}),
        ("Trigger", {"name": "events", "type": "events"}),
        ("Trigger", {"name": "other", "type": "events"}),
        ("Source", {"type": "webhook", "with": {"path": "a", "verify": {"type": "none"}}}),
    ],
)
def test_a_source_is_called_the_same_by_who_decides_who_runs_it_and_whose_path_it_is(
    kind: str, source: dict[str, Any]
) -> None:
    is_shared = kind == "Source"
    definition = stored(kind, "x", source if is_shared else {"sources": [source]})
    entry = {"name": "x", "ref": "x"} if is_shared else source
    key = deciding.source_key(definition.uid, TriggerSource.model_validate(entry))
    assert [want.key for want in wanting.own(definition)] == [key]
    hooks = [claim.source_key for claim in claims.owner(definition).claims]
    assert hooks == ([key] if source["type"] == "webhook" else [])


def test_another_description_changes_nothing_and_another_setting_does() -> None:
    (before,) = wanting.own(stored("Trigger", "t", {"sources": [CRON]}))
    (same,) = wanting.own(stored("Trigger", "t", {"sources": [CRON], "description": "new"}))
    (other,) = wanting.own(stored("Trigger", "t", {"sources": [{**CRON, "with": {"schedule": "@hourly"}}]}))
    assert (before == same, before == other) == (True, False)
    assert (before.path, before.address) == ("spec.sources[0]", "/ensue/triggers/default/t/cron")
