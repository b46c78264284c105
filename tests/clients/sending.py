"""Requests as tests send them, and what comes of them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from ensue.clients.messages import Answer, NoAnswer, Request
from ensue.clients.outbound import Outbound
from ensue.core.resending import Fault

Resolver = Callable[..., None]


def request(url: str, **given: Any) -> Request:
    return Request(**{"method": "GET", "url": url, "timeout": timedelta(seconds=20), "max_bytes": 10_000, **given})


async def fault(outbound: Outbound, url: str, **given: Any) -> tuple[Fault, str]:
    end = await outbound.send(request(url, **given))
    assert isinstance(end, NoAnswer)
    return end.fault, end.message


async def answered(outbound: Outbound, url: str, **given: Any) -> Answer:
    end = await outbound.send(request(url, **given))
    assert isinstance(end, Answer), end
    return end
