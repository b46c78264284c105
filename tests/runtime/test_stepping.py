"""What an engine is asked for."""

import pytest

from ensue.ports.engine import Limits
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
