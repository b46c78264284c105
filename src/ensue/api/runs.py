"""Routes of runs."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi import Request as HttpRequest
from starlette.responses import JSONResponse, Response

from ensue.api import requests, streams, views
from ensue.api.requests import IdentityOf, KeyOf, NamespaceOf, RerunBody, StartBody, StateBody, StopBody, WorldOf
from ensue.model.run import Run
from ensue.model.values import Json
from ensue.operations import approvals, logs, rerunning, runs
from ensue.ports.store import RunFilter

MAX_LIMIT = 500
MAX_WAIT = 60.0
CONTINUE_PATTERN = r"^([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})?$"

router = APIRouter(tags=["runs"])


def reading_of(
    request: HttpRequest,
    world: WorldOf,
    identity: IdentityOf,
    namespace: NamespaceOf,
    name: str,
    follow: bool = False,
    since: str = "",
    tail: Annotated[int | None, Query(ge=0, le=100_000)] = None,
) -> streams.Reading:
    """Which lines a request is for."""
    step, start = request.path_params.get("step"), requests.moment(since)

    def read(is_followed: bool) -> streams.Lines:
        return logs.read(identity, world, namespace, name, logs.Select(step=step, since=start, is_followed=is_followed))

    closing, ended = streams.closing_of(request), streams.ended_of(request)
    is_followed = follow and not ended.is_set()
    ends = (closing, ended) if is_followed else (closing,)
    return streams.Reading(read=read, is_followed=is_followed, tail=tail, ends=ends)


@router.get("/runs")
async def list_runs(
    world: WorldOf,
    identity: IdentityOf,
    select: Annotated[RunFilter, Depends(requests.run_filter)],
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = 100,
    after: Annotated[str, Query(alias="continue", pattern=CONTINUE_PATTERN)] = "",
) -> Response:
    """Runs, newest first, without their steps."""
    page = await runs.list_all(identity, world, select, limit, after)
    return JSONResponse(views.listing((views.run(run) for run in page.items), page.after))


@router.post("/runs", status_code=201, openapi_extra=requests.documented(StartBody))
async def start_run(
    world: WorldOf,
    identity: IdentityOf,
    namespace: NamespaceOf,
    body: Annotated[StartBody, Depends(requests.start_body)],
    key: KeyOf = "",
) -> Response:
    """Start a run. Repeats with one Idempotency-Key are one run, and answered with it; another request is refused."""
    request = runs.Start(
        namespace=namespace,
        workflow=body.workflow,
        name=body.name,
        parameters=body.parameters,
        labels=body.labels,
        key=key,
    )
    run = await runs.start(identity, world, request)
    return JSONResponse(views.run(run), 201, headers={"Location": _address(run)})


@router.post("/runs/{name}/rerun", status_code=201, openapi_extra=requests.documented(RerunBody))
async def rerun_run(
    world: WorldOf,
    identity: IdentityOf,
    namespace: NamespaceOf,
    name: str,
    body: Annotated[RerunBody, Depends(requests.rerun_body)],
    key: KeyOf = "",
) -> Response:
    """Run an ended run again as a new one: all of it, from a step on, or only what did not succeed."""
    request = rerunning.Rerun(
        namespace=namespace,
        name=name,
        parameters=body.parameters,
        start=body.start,
        is_failed_only=body.failed,
        key=key,
    )
    run = await rerunning.rerun(identity, world, request)
    return JSONResponse(views.run(run), 201, headers={"Location": _address(run)})


def _address(run: Run) -> str:
    return f"/api/v1/namespaces/{run.namespace}/runs/{run.name}"


@router.get("/runs/{name}")
async def get_run(
    request: HttpRequest,
    world: WorldOf,
    identity: IdentityOf,
    namespace: NamespaceOf,
    name: str,
    wait: Annotated[float, Query(alias="waitSeconds", ge=0, le=MAX_WAIT, allow_inf_nan=False)] = 0.0,
) -> Response:
    """A run with its steps and attempts; with `waitSeconds`, when it has ended or that long after."""
    if wait:
        await streams.unless(runs.wait(identity, world, namespace, name, wait), streams.closing_of(request))
    return JSONResponse(views.whole(await runs.get(identity, world, namespace, name)))


@router.post("/runs/{name}/cancel", status_code=202, openapi_extra=requests.documented(StopBody))
async def cancel_run(
    world: WorldOf,
    identity: IdentityOf,
    namespace: NamespaceOf,
    name: str,
    body: Annotated[StopBody, Depends(requests.stop_body)],
) -> Response:
    """Cancel a run: its steps are asked to end, `finally` runs. With `force` it is killed: `finally` does not run."""
    return JSONResponse(views.run(await runs.stop(identity, world, namespace, name, is_kill=body.force)), 202)


@router.post("/runs/{name}/pause")
async def pause_run(world: WorldOf, identity: IdentityOf, namespace: NamespaceOf, name: str) -> Response:
    """Start no further step of a run."""
    return JSONResponse(views.run(await runs.pause(identity, world, namespace, name, is_paused=True)))


@router.post("/runs/{name}/resume")
async def resume_run(world: WorldOf, identity: IdentityOf, namespace: NamespaceOf, name: str) -> Response:
    """Let a paused run go on."""
    return JSONResponse(views.run(await runs.pause(identity, world, namespace, name, is_paused=False)))


@router.put("/runs/{name}/steps/{step:path}/state", openapi_extra=requests.documented(StateBody))
async def put_step_state(
    world: WorldOf,
    identity: IdentityOf,
    namespace: NamespaceOf,
    name: str,
    step: str,
    body: Annotated[dict[str, Json], Depends(requests.body_of)],
) -> Response:
    """Tell a step something: the keys given replace those that there are. The answer has all of them."""
    return JSONResponse(dict(await approvals.tell(identity, world, namespace, name, step, body)))


@router.get("/runs/{name}/explain")
async def explain_run(world: WorldOf, identity: IdentityOf, namespace: NamespaceOf, name: str) -> Response:
    """What a run and each of its steps wait for, or why they ended as they did."""
    found = await runs.explain(identity, world, namespace, name)
    return JSONResponse(views.listing(views.explanation(each) for each in found))


@router.get("/runs/{name}/log")
async def read_log(lines: Annotated[streams.Reading, Depends(reading_of)]) -> Response:
    """The log of a run: one JSON object a line. Followed until the run has ended."""
    return await lines.answer()


@router.get("/runs/{name}/steps/{step:path}/log")
async def read_step_log(lines: Annotated[streams.Reading, Depends(reading_of)], step: str) -> Response:
    """The log of one step."""
    return await lines.answer()
