"""Routes about the server itself: workers, version, health."""

import platform

from fastapi import APIRouter
from fastapi import Request as HttpRequest
from starlette.responses import HTMLResponse, JSONResponse, Response

from ensue import __version__
from ensue.api import browsing, views
from ensue.api.paging import PageOf
from ensue.api.requests import IdentityOf, WorldOf
from ensue.model.definition import NATIVE_GROUP
from ensue.model.identity import Identity
from ensue.operations import definitions, runs
from ensue.operations import health as operations

router = APIRouter(tags=["server"])


@router.get("/api/v1/workers")
async def list_workers(world: WorldOf, identity: IdentityOf, page: PageOf) -> Response:
    """Who runs steps."""
    items, after = page.of(await runs.workers(identity, world), lambda worker: (worker.id,))
    return JSONResponse(views.listing(map(views.worker, items), after))


@router.get("/api/v1/files")
async def list_files(world: WorldOf, identity: IdentityOf, page: PageOf) -> Response:
    """The files that are followed, what each defines, and what is wrong there."""
    found = views.files(await definitions.files_followed(identity, world))
    return JSONResponse(views.listing(*page.of(found, lambda file: (file["metadata"]["name"],))))


@router.get("/version")
async def version() -> Response:
    """What runs here."""
    return JSONResponse({"version": __version__, "apiVersions": [NATIVE_GROUP], "python": platform.python_version()})


@router.get("/healthz")
async def health() -> Response:
    """The process answers."""
    return JSONResponse({"status": "ok"})


@router.get("/livez")
async def liveness() -> Response:
    """The process answers; restart it when it does not."""
    return JSONResponse({"status": "ok"})


@router.get("/readyz")
async def readiness(request: HttpRequest, world: WorldOf, verbose: str = "false") -> Response:
    """The database answers and has its tables, secrets can be opened, every loop goes round; else 503, part by part.

    `verbose` says how each part is, also when all is well. Who shows no token is told the status alone."""
    identity: Identity | None = getattr(request.state, "identity", None)
    is_verbose = verbose.lower() in ("", "1", "true")
    asked = operations.check(world) if identity is None or not is_verbose else operations.describe(identity, world)
    checks = await asked
    is_ok = all(check.is_ok for check in checks)
    is_told = identity is not None and (is_verbose or not is_ok)
    return JSONResponse(views.health(checks, is_told=is_told), 200 if is_ok else 503)


@router.get("/openapi.json", response_class=JSONResponse)
async def openapi(request: HttpRequest) -> Response:
    """This API, as OpenAPI has it."""
    return JSONResponse(request.app.openapi())


@router.get("/docs", response_class=HTMLResponse)
async def docs(request: HttpRequest) -> Response:
    """This API, for people: a page of its own, which needs nothing from elsewhere."""
    return HTMLResponse(browsing.page(request.app.openapi()), headers=browsing.HEADERS)
