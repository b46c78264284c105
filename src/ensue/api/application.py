"""Puts the application together: guard, routes, errors."""

import asyncio
from collections.abc import Collection

from fastapi import FastAPI

from ensue import __version__
from ensue.api import problems, runs, secrets, server_state, workflows
from ensue.api.guarding import Guard
from ensue.model.identity import Identity
from ensue.operations.world import World

PREFIXES = ("/api/v1/namespaces/{namespace}", "/api/v1")
"""Without a namespace in the path, lists are of all namespaces and single objects of `default`."""


def create_app(world: World, *, token: str, identity: Identity, hosts: Collection[str]) -> FastAPI:
    app = FastAPI(
        title="Ensue",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: f"{route.name}{'_in' if '{namespace}' in route.path else ''}",
    )
    app.state.world = world
    app.state.closing = asyncio.Event()
    problems.register(app)
    for prefix in PREFIXES:
        app.include_router(runs.router, prefix=prefix)
        app.include_router(workflows.router, prefix=prefix)
        app.include_router(secrets.router, prefix=prefix)
    app.include_router(server_state.router)
    app.add_middleware(Guard, token=token, identity=identity, hosts=hosts)
    return app
