"""The HTTP API: JSON as in Kubernetes, errors as problem documents. It calls operations and nothing else."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from ensue.model.identity import Identity
from ensue.operations.world import World

if TYPE_CHECKING:
    from fastapi import FastAPI


def create_app(world: World, *, token: str, identity: Identity, hosts: Collection[str] = ()) -> "FastAPI":
    """The ASGI application: whoever has the token is `identity`; `hosts` are names it answers to, beside loopback."""
    from ensue.api import application

    return application.create_app(world, token=token, identity=identity, hosts=hosts)
