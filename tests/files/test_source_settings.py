"""What a source is given is judged by its type, with file, line, path and remedy."""

# ruff: noqa: E501 (tables with whole messages)

import pytest

from ensue import files, plugins, steps
from ensue.core import checking, supporting
from ensue.model.definition import Strict
from ensue.model.source import Source
from ensue.model.trigger import Trigger
from ensue.model.values import Json
from ensue.ports.source import SourceType
from ensue.sources.webhook.kind import WebhookSource

HEAD = "apiVersion: ensue.dev/v1alpha1\nkind: Trigger\nmetadata: {name: t}\nspec:\n"
TRIGGER = HEAD + "  actions: [{type: log, with: {message: hi}}]\n  sources:\n    - "
SOURCE = HEAD.replace("Trigger", "Source") + "  "
GITHUB = "verify: {type: github, secret: {name: s}}"

TABLE = [
    ("{type: webhook, with: {path: a, GITHUB}}", []),
    ("{type: webhook}", ['f:7:7: spec.sources[0].with.path: "path" is required', 'f:7:7: spec.sources[0].with.verify: "verify" is required']),
    ("{type: webhok, with: {path: a}}", ['f:7:14: spec.sources[0].type: there is no source type "webhok" (did you mean "webhook"?)']),
    ("{type: carrier-pigeon}", ['f:7:14: spec.sources[0].type: there is no source type "carrier-pigeon" (one of {types})']),
    ("{type: events, with: {a: 1}}", ["f:7:28: spec.sources[0].with: the source `events` has no settings (remove `with`)"]),
    ("{type: webhook, with: {path: a/b, GITHUB}}", ["f:7:36: spec.sources[0].with.path: not one segment of an address: use letters, digits, `.`, `_`, `~` and `-`, at most 128"]),
    ("{type: webhook, with: {path: a, preset: gitlb, GITHUB}}", ['f:7:47: spec.sources[0].with.preset: must be one of alertmanager, bitbucket, docker-hub, generic, gitea, github, gitlab, slack, standard-webhooks, stripe (did you mean "gitlab"?)']),
    ("{type: webhook, with: {path: a, maxBytes: 26Mi, GITHUB}}", ['f:7:49: spec.sources[0].with.maxBytes: must be at most 26214400, not "26Mi"']),
    ("{type: webhook, with: {path: a, max_bites: 1, GITHUB}}", ['f:7:39: spec.sources[0].with.max_bites: unknown key "max_bites" (did you mean "maxBytes"?)']),
    ("{type: webhook, with: {path: a, verify: {type: gihub}}}", ['f:7:54: spec.sources[0].with.verify.type: must be one of github, gitea, bitbucket, gitlab, slack, standard-webhooks, stripe, hmac, token, bearer, basic, none (did you mean "github"?)']),
    ("{type: webhook, with: {path: a, verify: {secret: {name: s}}}}", ['f:7:47: spec.sources[0].with.verify.type: "type" is required']),
    ("{type: webhook, with: {path: a, verify: {type: github}}}", ['f:7:47: spec.sources[0].with.verify.secret: "secret" is required']),
    ("{type: webhook, with: {path: a, verify: {type: github, secret: {name: S/s}}}}", ['f:7:77: spec.sources[0].with.verify.secret.name: "S/s" is not the name of a secret (use a-z, A-Z, 0-9, spaces, `.`, `_` and `-`, a letter or digit first, no space last, at most 253)']),
    ("{type: webhook, with: {path: a, verify: {type: github, secret: {name: s, kee: x}}}}", ['f:7:80: spec.sources[0].with.verify.secret.kee: unknown key "kee" (did you mean "key"?)']),
    ("{type: webhook, with: {path: a, verify: {type: github, secret: {name: s}, header: x}}}", ['f:7:81: spec.sources[0].with.verify.header: unknown key "header" (the keys here are rejectRepeatedBody, secret, formerSecrets, type)']),
    ("{type: webhook, with: {path: a, verify: {type: token, secret: {name: s}}}}", ["f:7:47: spec.sources[0].with.verify: a token is either in a header or in a query parameter"]),
]  # fmt: skip


@pytest.mark.parametrize(("source", "said"), TABLE)
def test_the_settings_of_a_trigger_s_own_source(source: str, said: list[str]) -> None:
    known = steps.known()
    types = ", ".join(sorted({*checking.SOURCE_TYPES, *known.source_types}))
    (document,) = files.read(TRIGGER + source.replace("GITHUB", GITHUB), "f", known=known)
    assert [str(problem) for problem in document.problems] == [each.replace("{types}", types) for each in said]


def test_a_named_source_is_judged_alike() -> None:
    (document,) = files.read(SOURCE + "type: webhook\n  with: {path: a}", "f", known=steps.known())
    assert [str(each) for each in document.problems] == ['f:6:9: spec.with.verify: "verify" is required']


def test_what_the_server_is_sent_is_judged_too() -> None:
    body: dict[str, Json] = {"apiVersion": "ensue.dev/v1alpha1", "kind": "Source", "metadata": {"name": "s"}}
    found = files.accept({**body, "spec": {"type": "webhook", "with": {}}}, known=steps.known())
    assert [each.path for each in found.problems] == ["spec.with.path", "spec.with.verify"]


def test_without_knowing_what_is_installed_settings_are_left_alone() -> None:
    (document,) = files.read(TRIGGER + "{type: webhook, with: {colour: red}}", "f")
    assert document.problems == ()


def test_a_type_that_is_not_installed_lets_nothing_in() -> None:
    (document,) = files.read(SOURCE + "type: resource-watcher", "f", known=steps.known())
    assert isinstance(document.definition, Source)
    (problem,) = supporting.missing_sources(document.definition, ["webhook"])
    assert (problem.path, problem.message) == (
        "spec.type",
        "sources of type resource-watcher let nothing in in this version",
    )


def test_events_and_shared_sources_need_no_type_that_is_installed() -> None:
    (document,) = files.read(TRIGGER + "events\n    - {ref: shared}\n    - {type: cron}", "f")
    assert isinstance(document.definition, Trigger)
    assert [each.path for each in supporting.missing_sources(document.definition, [])] == ["spec.sources[2].type"]


def test_a_source_type_is_registered_by_entry_point() -> None:
    found = plugins.source_settings()
    assert "webhook" in found
    assert found["webhook"] is WebhookSource.settings
    kind: type[SourceType] = WebhookSource
    assert kind.name in list(found)


class _Entry:
    name, value = "odd", "nowhere:Nothing"

    def load(self) -> type[Strict]:
        raise ImportError(self.value)


def test_one_that_cannot_be_imported_is_there_and_not_checked(caplog: pytest.LogCaptureFixture) -> None:
    found = plugins.SourceSettings({"odd": _Entry()})  # type: ignore[dict-item]
    known = checking.Known(source_types=found)
    (document,) = files.read(TRIGGER + "{type: odd, with: {a: 1}}", "f", known=known)
    assert document.problems == ()
    assert "plugin odd of nowhere:Nothing cannot be loaded" in caplog.text
