"""Routes about the server itself: workers, version, health."""

import platform

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from ensue import __version__
from ensue.api import views
from ensue.api.requests import IdentityOf, WorldOf
from ensue.model.definition import NATIVE_GROUP
from ensue.operations import definitions, runs

router = APIRouter(tags=["server"])


@router.get("/api/v1/workers")
async def list_workers(world: WorldOf, identity: IdentityOf) -> Response:
    """Who runs steps."""
    return JSONResponse(views.listing(views.worker(worker) for worker in await runs.workers(identity, world)))


@router.get("/api/v1/files")
async def list_files(world: WorldOf, identity: IdentityOf) -> Response:
    """The files that are followed, what each defines, and what is wrong there."""
    return JSONResponse(views.listing(views.files(await definitions.files_followed(identity, world))))


@router.get("/version")
async def version() -> Response:
    """What runs here."""
    return JSONResponse({"version": __version__, "apiVersions": [NATIVE_GROUP], "python": platform.python_version()})


@router.get("/healthz")
async def health() -> Response:
    """The process answers."""
    return JSONResponse({"status": "ok"})


@router.get("/readyz")
async def readiness(world: WorldOf, identity: IdentityOf) -> Response:
    """The database answers too; else 503."""
    await runs.ready(identity, world)
    return JSONResponse({"status": "ok", "checks": {"store": "ok"}})
