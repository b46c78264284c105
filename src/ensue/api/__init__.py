"""The HTTP API: JSON as in Kubernetes, errors as problem documents. It calls operations and nothing else."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from ensue.model.identity import Identity
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
    event_bytes: int = EVENT_BYTES,
) -> "FastAPI":
    """The ASGI application: whoever has the token is `identity`; `hosts` are names it answers to, beside loopback;
    `event_bytes` is how large a message of events may be."""
    from ensue.api import application

    return application.create_app(world, webhooks, token=token, identity=identity, hosts=hosts, event_bytes=event_bytes)
