"""Scripts at an address, by the rules for requests of steps."""

import pytest

from ensue.clients import fetching
from ensue.clients.outbound import Outbound
from tests.clients.test_scripts import address as address

EXPECTED = [
    ("/none.sh", "the server answers 404"),
    ("/moved.sh", "the server answers 302"),
    ("/big.sh", "it has more than 1048576 bytes"),
    ("/bytes", "utf-8"),
]


async def test_a_script_is_fetched_for_a_server(address: str) -> None:
    outbound = Outbound(public_only=False, certificates="")
    assert await fetching.fetch(outbound, f"{address}/a.sh") == "echo a\n"
    await outbound.close()


@pytest.mark.parametrize(("path", "reason"), EXPECTED)
async def test_all_else_is_refused_to_a_server_too(address: str, path: str, reason: str) -> None:
    outbound = Outbound(public_only=False, certificates="")
    with pytest.raises(ValueError, match=reason):
        await fetching.fetch(outbound, f"{address}{path}")
    await outbound.close()


@pytest.mark.parametrize("url", ["http://169.254.169.254/latest", "http://127.0.0.1:9/a.sh", "http://a b/"])
async def test_addresses_that_no_step_may_ask_are_refused(url: str) -> None:
    outbound = Outbound(public_only=True, certificates="")
    with pytest.raises(ValueError, match=r"link-local|not public|a URL holds"):
        await fetching.fetch(outbound, url)
    await outbound.close()
