"""The demo tells the whole story, and leaves nothing."""

import hashlib
import hmac
import signal

from ensue.cli import demo_story
from tests.cli.conftest import PATIENCE, Cli, processes_of

STORY = (
    "1. GitHub delivers a push to main",
    "202",
    "com.github.push of https://github.com/example-org/storefront, refs/heads/main",
    "on-push fired",
    'event.data.ref == "refs/heads/main"',
    "Succeeded",
    "building example-org/storefront at c61a0f8",
    "version = c61a0f8",
    "2. A push to another branch",
    "on-push notFired",
    'event.data.ref is "refs/heads/wip"',
    "401",
)


def test_the_demo_shows_event_decision_run_log_and_result_and_what_did_not_fire(cli: Cli) -> None:
    done = cli("demo", "--once")
    place = 0
    for words in STORY:
        place = done.stdout.index(words, place)
    assert done.stderr == ""
    assert "\x1b" not in done.stdout
    assert list(cli.temporary.iterdir()) == []


def test_the_demo_stays_until_it_is_interrupted_and_leaves_nothing(cli: Cli) -> None:
    process = cli.start("demo")
    assert process.stdout is not None
    for line in process.stdout:
        if "--data" in line:
            break
    process.send_signal(signal.SIGINT)
    _, log = process.communicate(timeout=PATIENCE)
    assert (process.returncode, log) == (0, "")
    assert list(cli.temporary.iterdir()) == []
    assert processes_of(cli.temporary) == []


def test_a_delivery_has_the_headers_and_the_signatures_of_github() -> None:
    headers = demo_story.headers(b"{}", "secret")
    signature = hmac.new(b"secret", b"{}", hashlib.sha256).hexdigest()
    assert headers["X-Hub-Signature-256"] == f"sha256={signature}"
    assert headers["X-GitHub-Event"] == "push"
    assert headers["X-GitHub-Delivery"] != demo_story.headers(b"{}", "secret")["X-GitHub-Delivery"]
