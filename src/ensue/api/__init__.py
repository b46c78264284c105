"""The HTTP API: JSON as in Kubernetes, errors as problem documents. It calls operations and nothing else."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from ensue.model.identity import Identity
from ensue.model.rate import Rate
from ensue.operations.world import World
from ensue.ports.hooks import Hooks

if TYPE_CHECKING:
    from fastapi import FastAPI

EVENT_BYTES = 1024 * 1024


def create_app(
    world: World,
    webhooks: Hooks,
    *,
    token: str,
    identity: Identity,
    hosts: Collection[str] = (),
    url: str = "",
    event_bytes: int = EVENT_BYTES,
    event_rate: Rate | None = None,
) -> "FastAPI":
    """The ASGI application: whoever has the token is `identity`, others have tokens of the world; `hosts` are names it
    answers to, beside loopback; `url` is the address by which people reach it; `event_bytes` is how large a message
    of events may be, `event_rate` how many of them a namespace may send."""
    from ensue.api import application

    app = application.create_app(
        world, webhooks, token=token, identity=identity, hosts=hosts, url=url, event_bytes=event_bytes
    )
    app.state.event_rate = event_rate
    return app
