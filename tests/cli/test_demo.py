"""The demo tells the whole story, and leaves nothing."""

import hashlib
import hmac
import re
import signal
from pathlib import Path

import httpx
import pytest

from ensue.cli import demo_story
from ensue.model.errors import Unavailable
from tests.cli.conftest import PATIENCE, Cli, processes_of

README = Path(__file__).parents[2] / "README.md"
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


def same(text: str) -> str:
    """Without what differs each time."""
    return re.sub(r"[0-9a-f-]{36}|build-\w{5}|after [0-9.]+m?s", "", text)


def test_the_demo_shows_event_decision_run_log_and_result_and_what_did_not_fire(cli: Cli) -> None:
    done = cli("demo", "--once")
    place = 0
    for words in STORY:
        place = done.stdout.index(words, place)
    assert done.stderr == ""
    shown = re.findall(r"```text\n(1\. GitHub.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert [same(text) in same(done.stdout) for text in shown] == [True]
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


@pytest.mark.parametrize(
    ("words", "moment"),
    [
        (["demo"], "a temporary server"),
        (["demo"], "1. GitHub delivers"),
        (["demo", "--once"], "applied"),
        (["demo", "--once"], "decision"),
    ],
)
def test_an_interrupt_before_the_end_of_the_story_is_130_and_never_a_traceback(
    cli: Cli, words: list[str], moment: str
) -> None:
    process = cli.start(*words)
    assert process.stdout is not None
    for line in process.stdout:
        if moment in line:
            break
    process.send_signal(signal.SIGINT)
    # What was read ahead with the line would be lost to `communicate`.
    was_told = "401" in process.stdout.read()
    _, log = process.communicate(timeout=PATIENCE)
    assert (process.returncode, log) == (0 if was_told else 130, "")
    assert list(cli.temporary.iterdir()) == []
    assert processes_of(cli.temporary) == []


@pytest.mark.parametrize("answer", [httpx.ConnectError("refused"), httpx.Response(503)], ids=["nobody", "503"])
def test_a_server_that_ends_during_a_delivery_is_said(answer: httpx.Response | httpx.HTTPError) -> None:
    def answered(_: httpx.Request) -> httpx.Response:
        if isinstance(answer, httpx.HTTPError):
            raise answer
        return answer

    with (
        httpx.Client(base_url="http://demo", transport=httpx.MockTransport(answered)) as http,
        pytest.raises(Unavailable),
    ):
        demo_story._delivered(http, {}, "secret")


def test_a_delivery_has_the_headers_and_the_signatures_of_github() -> None:
    headers = demo_story.headers(b"{}", "secret")
    signature = hmac.new(b"secret", b"{}", hashlib.sha256).hexdigest()
    assert headers["X-Hub-Signature-256"] == f"sha256={signature}"
    assert headers["X-GitHub-Event"] == "push"
    assert headers["X-GitHub-Delivery"] != demo_story.headers(b"{}", "secret")["X-GitHub-Delivery"]
