"""Which sources are to be at work."""

from datetime import UTC, datetime
from typing import Any

import pytest

from ensue.model.definition import Dialect
from ensue.model.identity import Identity
from ensue.model.values import DEFAULT_NAMESPACE, DefinitionHash
from ensue.ports.store import StoredDefinition
from ensue.runtime import wanting

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


SOURCE = stored("Source", "s", CRON)


@pytest.mark.parametrize(
    ("definitions", "expected"),
    [
        ([stored("Trigger", "t", {"sources": [CRON]})], {"uid-t/cron"}),
        ([stored("Trigger", "t", {"sources": [CRON], "enabled": False})], set()),
        ([stored("Trigger", "t", {"sources": [{**CRON, "name": "a"}, {**CRON, "name": "b"}]})], {"uid-t/a", "uid-t/b"}),
        (
            [stored("Trigger", "t", {"sources": [{"type": "events"}, {"type": "webhook"}]})],
            {"uid-t/events", "uid-t/webhook"},
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


def test_another_description_changes_nothing_and_another_setting_does() -> None:
    (before,) = wanting.own(stored("Trigger", "t", {"sources": [CRON]}))
    (same,) = wanting.own(stored("Trigger", "t", {"sources": [CRON], "description": "new"}))
    (other,) = wanting.own(stored("Trigger", "t", {"sources": [{**CRON, "with": {"schedule": "@hourly"}}]}))
    assert (before == same, before == other) == (True, False)
    assert (before.path, before.address) == ("spec.sources[0]", "/ensue/triggers/default/t/cron")
