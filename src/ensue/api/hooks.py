"""Routes of webhooks: no token, the signature tells who sends."""

import re

from fastapi import APIRouter
from fastapi import Request as HttpRequest
from starlette.responses import Response

from ensue.api import requests
from ensue.api.holding import Holding
from ensue.model.errors import NotFound
from ensue.ports.hooks import Call, Hooks, Reply

PATH = re.compile(r"[A-Za-z0-9._~-]{1,128}")

router = APIRouter(tags=["hooks"])


@router.post("/hooks/{path}", status_code=202)
@router.post("/hooks/{namespace}/{path}", status_code=202)
async def receive_hook(request: HttpRequest) -> Response:
    """Let a webhook's event in; answered with its id once it is stored and decided about."""
    with requests.gate_of(request).holding() as holding:
        return _response(await hooks_of(request).receive(_call(request, holding)))


@router.get("/hooks/{path}", name="ask_hook")
@router.get("/hooks/{namespace}/{path}", name="ask_hook")
@router.put("/hooks/{path}", name="put_to_hook")
@router.put("/hooks/{namespace}/{path}", name="put_to_hook")
@router.patch("/hooks/{path}", name="patch_hook")
@router.patch("/hooks/{namespace}/{path}", name="patch_hook")
@router.delete("/hooks/{path}", name="delete_at_hook")
@router.delete("/hooks/{namespace}/{path}", name="delete_at_hook")
async def pass_to_hook(request: HttpRequest) -> Response:
    """What the container of the webhook answers, where it has one; the others take POST alone."""
    return await receive_hook(request)


@router.options("/hooks/{path}")
@router.options("/hooks/{namespace}/{path}")
async def greet_hook_sender(request: HttpRequest) -> Response:
    """The handshake of CloudEvents' webhooks, where the source has one: who may send, and how often. A webhook with a
    container has that answer."""
    with requests.gate_of(request).holding() as holding:
        return _response(await hooks_of(request).greet(_call(request, holding)))


def _response(reply: Reply) -> Response:
    content = reply.content or reply.text.encode()
    return Response(content, reply.status, headers=dict(reply.headers), media_type=reply.content_type or None)


def _call(request: HttpRequest, holding: Holding | None = None) -> Call:
    path = request.path_params["path"]
    if not PATH.fullmatch(path):
        raise NotFound(f"there is no webhook {path[:128]}")

    def hold(size: int) -> None:
        if holding is not None:
            holding.grow(size)

    async def read(limit: int) -> bytes:
        return b"" if holding is None else await requests.bytes_of(request, limit, holding)

    return Call(
        namespace=requests.namespace_of(request),
        path=path,
        method=request.method,
        headers=requests.headers_of(request),
        query=dict(request.query_params),
        query_text=request.url.query,
        read=read,
        hold=hold,
    )


def hooks_of(request: HttpRequest) -> Hooks:
    found: Hooks = request.app.state.hooks
    return found
