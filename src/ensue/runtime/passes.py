"""What lets a step speak for itself: the address of the metadata API, with a token of the attempt's own."""

import base64
import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ensue.model import token as tokens
from ensue.model.run import Lease
from ensue.ports.reports import Reports
from ensue.runtime.patience import patiently

ADDRESS = "METADATA_API_URL"


@dataclass(slots=True)
class Passes:
    """`key` is this worker's own: with it the process that adopts an attempt knows the attempt's token, to mask it."""

    reports: Reports
    key: bytes
    url: str = ""
    """Where steps reach the API; empty as long as nobody serves it."""
    is_served_here: bool = True
    """By this process, which knows what it gave its attempts in confidence."""
    beyond: Callable[[], Awaitable[str]] | None = None
    """Where containers do, if that is elsewhere; says nothing when they cannot, raises Unavailable as long as that is
    not known."""

    def secret_of(self, lease: Lease) -> str:
        """The same whenever it is asked for."""
        key = lease.key
        about = "\n".join((key.namespace, key.run, key.step, str(key.item), str(lease.attempt)))
        digest = hmac.digest(self.key, about.encode(), "sha256")
        return tokens.PREFIX + base64.urlsafe_b64encode(digest).decode("ascii").rstrip("=")

    async def issue(self, lease: Lease) -> dict[str, str]:
        """What the attempt finds in its environment; from now on its token is valid. Raises Unavailable as long as
        nobody knows where its engine's steps reach the API."""
        url = await self.url_for(lease.engine)
        if not url:
            return {}
        secret = self.secret_of(lease)
        await patiently(lambda: self.reports.issue(lease, tokens.hash_of(secret)))
        return {ADDRESS: url.replace("://", f"://:{secret}@", 1)}

    async def url_for(self, engine: str) -> str:
        """Empty when the steps of that engine cannot reach it. Raises Unavailable as long as that is not known."""
        return await self.beyond() if engine == "container" and self.beyond is not None else self.url
