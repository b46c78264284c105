"""What the payloads of well-known senders become: type, source, subject, id and time."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ensue
from ensue.sources import webhook
from ensue.sources.webhook import Answer, Body
from ensue.sources.webhook.presets import PRESETS
from tests.sources.webhook import sending
from tests.sources.webhook.sending import NOW, UID, received, request, settings, signed

PUSH = (Path(ensue.__file__).parent / "demo" / "push.json").read_bytes()
REPOSITORY = {
    "url": "https://api.github.com/repos/o/r",
    "name": "r",
    "owner": {"url": "https://api.github.com/users/o"},
}
O_R = "https://api.github.com/repos/o/r"
JSON = {"content-type": "application/json"}
AT = "2026-01-02T03:04:05Z"
AT_MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def event(sender: str, payload: Any, headers: dict[str, str] | None = None) -> Any:
    sent = request(json.dumps(payload).encode(), JSON | (headers or {}))
    return received(settings(preset=sender), sent)


def attributes(sender: str, payload: Any, headers: dict[str, str] | None = None) -> tuple[str, str, str]:
    found = event(sender, payload, headers)
    return found.type, found.source, found.subject


def test_a_signed_push_becomes_an_event() -> None:
    headers = JSON | {"x-github-event": "push", "x-github-delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958"}
    sent = request(PUSH, headers | signed("github", PUSH))
    given = settings("github")
    assert webhook.verify(given, [sending.SECRET], sent) == webhook.Trusted()
    found = received(given, sent)
    assert (found.type, found.subject) == ("com.github.push", "refs/heads/main")
    assert found.source == "https://github.com/example-org/storefront"
    assert (found.id, found.uid, found.namespace) == ("72d3162e-cc78-11e3-81ab-4c9367dc0958", UID, "shop")
    assert (found.time, found.data_content_type) == (NOW, "application/json")
    assert found.data == json.loads(PUSH)
    assert found.extensions == {}
    assert "72d3162e" not in json.dumps(found.data)


def test_the_recorded_push_has_the_documented_shape() -> None:
    push = json.loads(PUSH)
    assert {"ref", "before", "after", "repository", "pusher", "sender", "created", "deleted", "forced", "base_ref",
            "compare", "commits", "head_commit"} <= set(push)  # fmt: skip
    assert push["head_commit"] == push["commits"][-1]
    assert push["head_commit"]["id"] == push["after"]
    assert push["repository"]["master_branch"] == push["ref"].removeprefix("refs/heads/")


@pytest.mark.parametrize(
    ("name", "payload", "wanted"),
    [
        ("issues", {"action": "opened", "issue": {"number": 7}}, ("issue.opened", O_R, "7")),
        ("issue_comment", {"action": "created", "issue": {"url": "I"}, "comment": {"id": 5}},
         ("issue_comment.created", "I", "5")),
        ("pull_request", {"action": "synchronize", "number": 9}, ("pull_request.synchronize", O_R, "9")),
        ("pull_request_review", {"action": "submitted", "pull_request": {"url": "P"}, "review": {"id": 3}},
         ("pull_request_review.submitted", "P", "3")),
        ("commit_comment", {"action": "created", "comment": {"url": "C", "commit_id": "abc", "id": 1}},
         ("commit_comment.created", "C/abc", "1")),
        ("create", {"ref_type": "tag", "ref": "v1"}, ("create.tag", O_R, "v1")),
        ("delete", {"ref_type": "branch", "ref": "b"}, ("delete.branch", O_R, "b")),
        ("deployment", {"action": "created", "deployment": {"id": 4}}, ("deployment", O_R, "4")),
        ("deployment_status", {"deployment": {"url": "D"}, "deployment_status": {"state": "success", "url": "S"}},
         ("deployment_status.success", "D", "S")),
        ("installation", {"action": "created", "installation": {"id": 2, "account": {"url": "A"}}},
         ("installation.created", "A", "2")),
        ("installation_repositories", {"action": "added", "installation": {"id": 2, "account": {"url": "A"}}},
         ("installation_repository.added", "A", "2")),
        ("membership", {"scope": "team", "action": "added", "team": {"url": "T"}, "member": {"login": "ann"}},
         ("membership.team.added", "T", "ann")),
        ("marketplace_purchase", {"action": "purchased", "sender": {"url": "https://api.github.com/users/ann"},
         "marketplace_purchase": {"account": {"login": "ann"}}},
         ("marketplace_purchase.purchased", "https://api.github.com/users", "ann")),
        ("repository", {"action": "created"}, ("repository.created", "https://api.github.com/users/o", "r")),
        ("public", {}, ("public", "https://api.github.com/users/o", "r")),
        ("status", {"state": "success", "sha": "abc"}, ("status.success", O_R, "abc")),
        ("team_add", {"team": {"id": 1}}, ("team_add", O_R, "1")),
        ("watch", {"action": "started"}, ("watch.started", O_R, "")),
        ("gollum", {"pages": []}, ("gollum", O_R, "")),
        ("workflow_run", {"action": "completed", "workflow_run": {"id": 8}}, ("workflow_run.completed", O_R, "8")),
        ("ping", {"zen": "Design for failure.", "hook_id": 3}, ("ping", O_R, "3")),
        ("sub_issues", {"action": "sub_issue_added"}, ("sub_issues.sub_issue_added", O_R, "")),
        ("push", {"ref": "refs/tags/v1"}, ("push", O_R, "refs/tags/v1")),
    ],
)  # fmt: skip
def test_github_events_are_named_as_the_cloudevents_adapter_does(
    name: str, payload: dict[str, Any], wanted: tuple[str, str, str]
) -> None:
    kind, source, subject = wanted
    sent = {"repository": REPOSITORY, **payload}
    assert attributes("github", sent, {"x-github-event": name}) == (f"com.github.{kind}", source, subject)


@pytest.mark.parametrize(
    ("name", "payload", "source"),
    [
        ("organization", {"organization": {"url": "https://api.github.com/orgs/o"}}, "https://api.github.com/orgs/o"),
        ("security_advisory", {"action": "published"}, "github.com"),
        ("ping", {"sender": {"url": "https://api.github.com/users/a"}}, "https://api.github.com/users/a"),
        ("push", [], "github.com"),
    ],
)
def test_a_github_event_without_a_repository_has_the_next_best_source(name: str, payload: Any, source: str) -> None:
    assert attributes("github", payload, {"x-github-event": name})[1] == source


@pytest.mark.parametrize("header", ["", "pu sh", "push\n", "pu/sh", "x" * 101, "é"])
def test_an_event_name_that_is_no_word_is_unknown(header: str) -> None:
    kind = attributes("github", {}, {"x-github-event": header})[0]
    assert kind == ("com.github.push" if header == "push\n" else "com.github.unknown")


@pytest.mark.parametrize(
    ("headers", "payload", "wanted"),
    [
        (
            {"x-gitlab-event": "Push Hook", "idempotency-key": "k-1"},
            {"object_kind": "push", "ref": "refs/heads/main", "project": {"web_url": "https://gitlab.com/o/r"}},
            ("com.gitlab.push", "https://gitlab.com/o/r", "refs/heads/main", "k-1"),
        ),
        (
            {"webhook-id": "k-2", "idempotency-key": "k-2"},
            {
                "object_kind": "merge_request",
                "project": {"web_url": "https://gitlab.com/o/r"},
                "object_attributes": {"iid": 4, "id": 99, "action": "open"},
            },
            ("com.gitlab.merge_request.open", "https://gitlab.com/o/r", "4", "k-2"),
        ),
        (
            {"x-gitlab-instance": "https://gitlab.example.com", "x-gitlab-event-uuid": "same"},
            {"event_name": "project_create", "path_with_namespace": "o/r"},
            ("com.gitlab.project_create", "https://gitlab.example.com", "o/r", UID),
        ),
        ({}, {}, ("com.gitlab.unknown", "/hooks/shop/p", "", UID)),
    ],
)
def test_gitlab_events_are_named_by_kind_and_action(headers: dict[str, str], payload: Any, wanted: Any) -> None:
    assert (*attributes("gitlab", payload, headers), event("gitlab", payload, headers).id) == wanted


@pytest.mark.parametrize(
    ("headers", "payload", "wanted"),
    [
        (
            {"x-gitea-event": "push", "x-gitea-delivery": "f6266f16"},
            {"ref": "refs/heads/develop", "repository": {"html_url": "http://localhost:3000/gitea/webhooks"}},
            ("com.gitea.push", "http://localhost:3000/gitea/webhooks", "refs/heads/develop", "f6266f16"),
        ),
        (
            {"x-gitea-event": "pull_request"},
            {"action": "opened", "number": 1, "pull_request": {"number": 1}, "repository": {"url": "http://x/r"}},
            ("com.gitea.pull_request.opened", "http://x/r", "1", UID),
        ),
        ({}, {}, ("com.gitea.unknown", "/hooks/shop/p", "", UID)),
    ],
)
def test_gitea_events_are_named_by_header_and_action(headers: dict[str, str], payload: Any, wanted: Any) -> None:
    assert (*attributes("gitea", payload, headers), event("gitea", payload, headers).id) == wanted


@pytest.mark.parametrize(
    ("headers", "payload", "wanted"),
    [
        (
            {"x-event-key": "repo:push", "x-request-uuid": "u-1"},
            {
                "repository": {"links": {"html": {"href": "https://bitbucket.org/t/r"}}},
                "push": {"changes": [{"new": {"type": "branch", "name": "main"}}]},
            },
            ("org.bitbucket.repo.push", "https://bitbucket.org/t/r", "main", "u-1"),
        ),
        (
            {"x-event-key": "pullrequest:comment_created", "x-request-uuid": "u-2"},
            {"repository": {"links": {"html": {"href": "https://bitbucket.org/t/r"}}}, "pullrequest": {"id": 3}},
            ("org.bitbucket.pullrequest.comment_created", "https://bitbucket.org/t/r", "3", "u-2"),
        ),
        (
            {"x-event-key": "repo:refs_changed", "x-request-id": "u-3"},
            {
                "repository": {"links": {"self": [{"href": "https://bb.example.com/projects/P/repos/r/browse"}]}},
                "changes": [{"ref": {"id": "refs/heads/main"}}],
            },
            (
                "org.bitbucket.repo.refs_changed",
                "https://bb.example.com/projects/P/repos/r/browse",
                "refs/heads/main",
                "u-3",
            ),
        ),
        (
            {"x-event-key": "diagnostics:ping"},
            {"test": True},
            ("org.bitbucket.diagnostics.ping", "/hooks/shop/p", "", UID),
        ),
    ],
)  # fmt: skip
def test_bitbucket_events_are_named_by_their_key(headers: dict[str, str], payload: Any, wanted: Any) -> None:
    assert (*attributes("bitbucket", payload, headers), event("bitbucket", payload, headers).id) == wanted


@pytest.mark.parametrize(
    ("sender", "payload", "wanted"),
    [
        (
            "stripe",
            {"id": "evt_1", "type": "charge.succeeded", "created": 1767323045, "data": {"object": {"id": "ch_1"}}},
            ("com.stripe.charge.succeeded", "https://api.stripe.com", "ch_1", "evt_1", AT_MOMENT),
        ),
        (
            "stripe",
            {"id": "evt_2", "type": "v2.core.x", "account": "acct_1", "created": AT, "related_object": {"id": "o"}},
            ("com.stripe.v2.core.x", "https://api.stripe.com/v1/accounts/acct_1", "o", "evt_2", AT_MOMENT),
        ),
        (
            "docker-hub",
            {
                "callback_url": "https://registry.hub.docker.com/u/x/y/hook/z/",
                "push_data": {"pushed_at": 1417566161, "pusher": "trustedbuilder", "tag": "latest"},
                "repository": {"repo_name": "svendowideit/testhook", "repo_url": "https://hub.docker.com/r/s/t"},
            },
            ("com.docker.hub.push", "https://hub.docker.com/r/s/t", "latest", UID,
             datetime.fromtimestamp(1417566161, UTC)),
        ),
        (
            "alertmanager",
            {"version": "4", "status": "firing", "groupKey": '{}:{alertname="Test"}', "receiver": "webhook",
             "externalURL": "http://example.com:9093", "alerts": [{"startsAt": AT}]},
            ("io.prometheus.alertmanager.firing", "http://example.com:9093", '{}:{alertname="Test"}', UID, NOW),
        ),
        (
            "slack",
            {"type": "event_callback", "team_id": "T1", "event_id": "Ev1", "event_time": 1767323045,
             "event": {"type": "app_mention", "channel": "C1", "user": "U1"}},
            ("com.slack.app_mention", "https://slack.com/T1", "C1", "Ev1", AT_MOMENT),
        ),
        (
            "slack",
            {"type": "block_actions", "team": {"id": "T1"}, "user": {"id": "U1"}},
            ("com.slack.block_actions", "https://slack.com/T1", "U1", UID, NOW),
        ),
        ("slack", {}, ("com.slack.unknown", "https://slack.com", "", UID, NOW)),
        (
            "standard-webhooks",
            {"type": "user.created", "timestamp": AT, "data": {"id": "u-1"}},
            ("user.created", "/hooks/shop/p", "u-1", UID, AT_MOMENT),
        ),
        ("generic", {"type": "ignored", "id": "ignored"}, ("dev.ensue.webhook.v1", "/hooks/shop/p", "", UID, NOW)),
    ],
)  # fmt: skip
def test_other_senders_name_their_events_in_the_payload(sender: str, payload: Any, wanted: Any) -> None:
    found = event(sender, payload)
    assert (found.type, found.source, found.subject, found.id, found.time) == wanted


def test_a_slash_command_is_an_event_and_is_answered_at_once() -> None:
    sent = request(
        b"token=gIkuvaNzQIHg97ATvDxqgjtO&team_id=T0001&command=%2Fweather&text=94070",
        {"content-type": "application/x-www-form-urlencoded"},
    )
    found = received(settings("slack"), sent)
    assert (found.type, found.source, found.subject) == ("com.slack.command", "https://slack.com/T0001", "/weather")
    assert found.data == {"token": "***", "team_id": "T0001", "command": "/weather", "text": "94070"}
    assert webhook.answer(settings("slack"), Body(data=found.data)) == Answer()


CHALLENGE = "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"


@pytest.mark.parametrize(
    ("challenge", "text"),
    [(CHALLENGE, CHALLENGE), ("<script>", ""), ("a b", ""), ("x" * 300, ""), (None, ""), ({"a": 1}, ""), ("é", "")],
)
def test_a_challenge_is_answered_as_plain_text_and_is_no_event(challenge: Any, text: str) -> None:
    body = Body(data={"type": "url_verification", "token": "t", "challenge": challenge})
    wanted = Answer(status=200, content_type="text/plain; charset=utf-8", text=text, instead_of_event=True)
    assert webhook.answer(settings("slack"), body) == wanted
    assert webhook.answer(settings("github"), body) is None


@pytest.mark.parametrize("payload", [{"type": "event_callback"}, {"type": "message"}, {}, [], "text", None])
def test_an_ordinary_event_needs_no_answer_of_its_own(payload: Any) -> None:
    assert [preset.answer(payload) for preset in PRESETS.values()] == [None] * len(PRESETS)


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        (AT, AT_MOMENT),
        ("2026-01-02T04:04:05+01:00", AT_MOMENT),
        ("2026-01-02T04:04:05+0100", AT_MOMENT),
        ("2026-01-02 03:04:05 UTC", AT_MOMENT),
        ("2026-01-02 05:04:05 +0200", AT_MOMENT),
        (1767323045, AT_MOMENT),
        ("2026-01-02", NOW),
        ("2026-13-02 03:04:05 UTC", NOW),
        ("9999-12-31T23:59:59-23:00", NOW),
        ("0001-01-01T00:00:00+23:00", NOW),
        (10**12, NOW),
        (0, NOW),
        (-5, NOW),
        (True, NOW),
        (None, NOW),
        ([AT], NOW),
    ],
)
def test_a_time_is_read_in_every_spelling_or_is_that_of_the_request(value: Any, moment: datetime) -> None:
    found = event("gitlab", {"object_kind": "issue", "object_attributes": {"updated_at": value}})
    assert found.time == moment


LEAVES = st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
KEYS = st.sampled_from(["action", "type", "repository", "url", "html_url", "id", "ref", "event", "data", "object",
    "project", "object_attributes", "push", "changes", "links", "html", "challenge", "command", "team", "created",
    "externalURL", "status", "groupKey", "object_kind", "push_data", "installation", "sender"])  # fmt: skip
PAYLOADS = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=20
)
HEADERS = st.dictionaries(
    st.sampled_from(["x-github-event", "x-github-delivery", "x-gitea-event", "x-event-key", "x-request-uuid",
                     "webhook-id", "idempotency-key", "x-gitlab-instance"]),
    st.text(max_size=20),
)  # fmt: skip


@pytest.mark.parametrize("sender", PRESETS)
@given(payload=PAYLOADS, headers=HEADERS)
def test_any_payload_becomes_an_event_that_can_be_sent_on(sender: str, payload: Any, headers: dict[str, str]) -> None:
    found = event(sender, payload, headers)
    for value in (found.id, found.source, found.type):
        assert value
        assert value.isprintable() or not any(ord(letter) < 32 for letter in value)
    assert not any(letter.isspace() for letter in found.source + found.type)
    assert len(found.source) <= 1024
    assert len(found.id) <= 256
    assert found.time.tzinfo is not None
