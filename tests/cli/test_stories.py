"""How sources are told of, for people."""

from datetime import UTC, datetime

from ensue.cli import stories

SOURCE = {
    "name": "hook",
    "type": "webhook",
    "state": "Active",
    "message": "",
    "notes": [],
    "triggers": ["on-push"],
    "hook": "/hooks/default/github",
    "nextTimes": [],
    "lastEvent": None,
    "lastError": "",
    "failureTime": None,
}


def test_what_was_refused_has_a_line_for_each_reason() -> None:
    refused = {"reason": "SignatureOld", "message": "too old", "count": 3, "time": datetime.now(UTC).isoformat()}
    lines = stories.source({**SOURCE, "refused": [refused, {**refused, "reason": "TooLarge"}]}).splitlines()
    told = [line.strip() for line in lines if "refused" in line]
    assert [line.startswith("refused:") and "3, last " in line for line in told] == [True, True]
    assert [line.partition(" ago: ")[2] for line in told] == ["SignatureOld (too old)", "TooLarge (too old)"]


def test_a_server_of_an_earlier_version_says_nothing_of_refusals() -> None:
    assert "refused" not in stories.source(SOURCE)
