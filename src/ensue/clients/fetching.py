"""Scripts at an address as a server fetches them: under the rules for requests of steps."""

from datetime import timedelta
from http import HTTPStatus

from ensue.clients.messages import NoAnswer, Request
from ensue.clients.outbound import Outbound

LONGEST = timedelta(seconds=15)
MOST = 2**20


async def fetch(outbound: Outbound, address: str) -> str:
    """The text of a script: answered with 200, not redirected, of at most a MiB. Raises ValueError."""
    answer = await outbound.send(Request(method="GET", url=address, timeout=LONGEST, max_bytes=MOST))
    if isinstance(answer, NoAnswer):
        raise ValueError(answer.message)
    if answer.status != HTTPStatus.OK:
        raise ValueError(f"the server answers {answer.status}")
    if answer.is_cut:
        raise ValueError(f"it has more than {MOST} bytes")
    return answer.body.decode("utf-8")
