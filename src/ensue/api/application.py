"""Puts the application together: guard, routes, errors."""

import asyncio
import functools
import re
from collections.abc import Collection
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, FastAPI

from ensue import __version__
from ensue.api import (
    access,
    approvals,
    audit,
    complaining,
    definitions,
    describing,
    events,
    following,
    hooks,
    login,
    metrics,
    problems,
    pushing,
    runs,
    secrets,
    server_state,
    sources,
)
from ensue.api.guarding import Guard
from ensue.api.heading import Heading
from ensue.api.holding import Gate
from ensue.api.hot import Hot, Route
from ensue.api.recognising import Recognition
from ensue.core import supporting
from ensue.model.identity import Identity
from ensue.model.kinds import KINDS
from ensue.operations.world import World
from ensue.ports.hooks import Hooks
from ensue.runtime.pacing import Paces

PREFIXES = ("/api/v1/namespaces/{namespace}", "/api/v1")
"""Without a namespace in the path, lists are of all namespaces and single objects of `default`."""


HOT: tuple[Route, ...] = (
    (re.compile(r"/hooks/(?P<path>[^/]+)"), hooks.receive_hook),
    (re.compile(r"/hooks/(?P<namespace>[^/]+)/(?P<path>[^/]+)"), hooks.receive_hook),
    (re.compile(r"/api/v1/events"), events.send_events),
    (re.compile(r"/api/v1/namespaces/(?P<namespace>[^/]+)/events"), events.send_events),
)
"""They are in the routers too, which describe them."""


def routers() -> tuple[APIRouter, ...]:
    """Of what is in a namespace. The busiest come first: routes are tried in order."""
    kinds = (definitions.routes(KINDS[kind]) for kind in sorted(supporting.KINDS))
    own = (events, following, runs, approvals, secrets, sources, audit)
    return (*(each.router for each in own), *kinds)


def create_app(
    world: World,
    webhooks: Hooks,
    *,
    token: str,
    identity: Identity,
    hosts: Collection[str],
    url: str,
    event_bytes: int,
) -> FastAPI:
    app = FastAPI(
        title="Ensue",
        version=__version__,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        dependencies=[Depends(complaining.require_known)],
        generate_unique_id_function=lambda route: f"{route.name}{'_in' if '{namespace}' in route.path else ''}",
    )
    app.state.world = world
    app.state.hooks = webhooks
    app.state.event_bytes = event_bytes
    app.state.url = url.rstrip("/")
    app.state.gate = Gate()
    app.state.paces = Paces()
    app.state.streams = Gate(most=following.MOST_STREAMS, refusal=following.BUSY)
    app.state.closing = asyncio.Event()
    problems.register(app)
    app.include_router(hooks.router)
    for router in routers():
        for prefix in PREFIXES:
            app.include_router(router, prefix=prefix)
    app.include_router(pushing.router)
    app.include_router(access.router)
    app.include_router(login.router)
    app.include_router(server_state.router)
    app.include_router(metrics.router)
    app.add_middleware(Hot, routes=HOT)
    app.add_middleware(
        Guard,
        recognition=Recognition(token=token, identity=identity, access=world.access),
        hosts={*hosts, *filter(None, [urlsplit(url).hostname])},
        origins=[url] if url else [],
        event_bytes=event_bytes,
    )
    app.add_middleware(Heading)
    app.openapi = functools.cache(lambda: describing.document(app))  # type: ignore[method-assign]
    return app
