"""What the loop of sources says of one that fails."""

from datetime import UTC, datetime

import pytest

from ensue import app
from ensue.model.errors import Fail
from ensue.model.values import Namespace
from ensue.ports.pulling import SourceState
from ensue.runtime.tending import Work
from ensue.runtime.wanting import Want
from tests.runtime.pulling import Hand
from tests.runtime.sites import Site

WANT = Want(
    namespace=Namespace("default"),
    key="u/hook",
    title="Trigger/t/hook",
    name="hook",
    owner="u",
    type="t",
    given="{}",
    address="/a",
    path="spec",
)


def test_what_fails_again_and_again_is_told_once_a_minute(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    hand, work = Hand(datetime(2026, 1, 1, tzinfo=UTC)), Work(WANT)
    puller = app.puller_of(site.store.driver, hand, "one")
    told = []
    for message in ("away", "away", "away", "refused", "away", "away"):
        hand.pass_(seconds=25)
        caplog.clear()
        puller._note(work, Fail(message))
        told.append(bool(caplog.messages))
    assert told == [True, False, False, True, True, False]
    assert (work.status.state, work.status.message) == (SourceState.FAILING, "away")
    hand.pass_(seconds=60)
    puller._note(work, Fail("away"))
    assert caplog.messages == ["the source Trigger/t/hook of namespace default fails: away"]
