"""What an engine is asked for."""

from pathlib import Path
from typing import Any

import pytest

from ensue.clients import kv2
from ensue.model.event import NO_CAUSE, Cause
from ensue.model.run import Reason, State
from ensue.ports.engine import Limits
from ensue.vaults.kv2 import Kv2Vault
from tests.core.playing import workflow
from tests.engines.scripted import ScriptedEngine
from tests.runtime.sites import Site

MOST = Limits().output


@pytest.mark.parametrize(("said", "kept"), [({}, MOST), ({"output": 1000}, 1000), ({"output": 10 * MOST}, MOST)])
async def test_a_step_may_keep_less_log_than_the_server_allows_and_not_more(
    site: Site, said: dict[str, int], kept: int
) -> None:
    async with site.serving() as runner:
        run = await site.start(workflow([{"name": "a", "engine": "scripted", "resources": said}]), runner)
        await site.ended(run)
    assert isinstance(site.engine, ScriptedEngine)
    (order,) = site.engine.orders.values()
    assert order.limits.output == kept


@pytest.mark.parametrize("of_event", [False, True])
@pytest.mark.parametrize("allowed", [(), ("build:*",)])
async def test_a_computed_image_runs_in_a_run_of_an_event_only_where_a_pattern_allows_it(
    site: Site, of_event: bool, allowed: tuple[str, ...]
) -> None:
    step = {"name": "a", "run": None, "image": "build:${parameters.tag}", "engine": "scripted"}
    made = workflow([step], parameters=[{"name": "tag"}], allow={"images": allowed})
    cause = Cause(event="an event") if of_event else NO_CAUSE
    async with site.serving() as runner:
        run = await site.ended(await site.start(made, runner, parameters={"tag": "1"}, cause=cause))
    reason = (await site.store.step(run, "a")).reason
    assert isinstance(site.engine, ScriptedEngine)
    assert (reason, len(site.engine.orders)) == (
        (Reason.NONE, 1) if allowed or not of_event else (Reason.NOT_ALLOWED, 0)
    )


async def test_a_computed_url_is_not_asked_in_a_run_of_an_event(site: Site) -> None:
    asks = {"name": "a", "run": None, "type": "http", "with": {"url": "http://127.0.0.1:9/${parameters.path}"}}
    tells = {"name": "b", "run": None, "type": "emit", "with": {"sink": "${parameters.path}", "type": "t"}}
    made = workflow([asks, tells], parameters=[{"name": "path"}], allow={"urls": ["https://example.org/*"]})
    async with site.serving() as runner:
        run = await site.start(made, runner, parameters={"path": "http://127.0.0.1:9"}, cause=Cause(event="an event"))
        await site.ended(run)
    found = [await site.store.step(run, name) for name in ("a", "b")]
    assert [step.reason for step in found] == [Reason.NOT_ALLOWED, Reason.NOT_ALLOWED]
    assert all("no pattern of spec.allow.urls allows it" in step.message for step in found)


@pytest.mark.parametrize(("retry", "attempts"), [({}, 1), ({"limit": 2}, 3), ({"limit": 2, "when": "false"}, 1)])
@pytest.mark.parametrize("engine", ["inline", "scripted"])
async def test_a_vault_that_is_away_costs_an_attempt_that_retry_counts(
    site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, engine: str, retry: dict[str, Any], attempts: int
) -> None:
    monkeypatch.setattr(kv2, "PATIENCE", 0.0)
    (tmp_path / "token").write_text("root")
    client = kv2.Kv2(address="http://127.0.0.1:1", mount="secret", token_path=tmp_path / "token")
    site.elsewhere = [Kv2Vault(client=client, secret_paths=("{namespace}",), connection_path="connections")]
    step = {"name": "a", "engine": engine, "retry": {"backoff": {"duration": "10ms"}, **retry}}
    inline = {"run": None, "type": "log", "with": {"message": "${secrets.token}"}}
    own = inline if engine == "inline" else {"env": {"TOKEN": "${secrets.token}"}}
    async with site.serving() as runner:
        run = await site.ended(await site.start(workflow([{**step, **own}]), runner))
    found = await site.store.step(run, "a")
    assert (found.state, found.reason, found.attempt) == (State.FAILED, Reason.CANNOT_START, attempts)
    assert "the vault at http://127.0.0.1:1 does not answer" in found.message
