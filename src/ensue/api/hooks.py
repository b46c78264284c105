"""Routes of webhooks: no token, the signature tells who sends."""

import re

from fastapi import APIRouter
from fastapi import Request as HttpRequest
from starlette.responses import Response

from ensue.api import requests
from ensue.api.holding import Holding
from ensue.model.errors import NotFound
from ensue.ports.hooks import Call, Hooks

PATH = re.compile(r"[A-Za-z0-9._~-]{1,128}")

router = APIRouter(tags=["hooks"])


@router.post("/hooks/{path}", status_code=202)
@router.post("/hooks/{namespace}/{path}", status_code=202)
async def receive_hook(request: HttpRequest) -> Response:
    """Let a webhook's event in; answered with its id once it is stored and decided about."""
    with requests.gate_of(request).holding() as holding:
        reply = await hooks_of(request).receive(_call(request, holding))
    content = reply.content or reply.text.encode()
    return Response(content, reply.status, headers=dict(reply.headers), media_type=reply.content_type)


@router.options("/hooks/{path}")
@router.options("/hooks/{namespace}/{path}")
async def greet_hook_sender(request: HttpRequest) -> Response:
    """The handshake of CloudEvents' webhooks, where the source has one: who may send, and how often."""
    return Response(headers=await hooks_of(request).greet(_call(request)))


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
        headers=requests.headers_of(request),
        query=dict(request.query_params),
        read=read,
        hold=hold,
    )


def hooks_of(request: HttpRequest) -> Hooks:
    found: Hooks = request.app.state.hooks
    return found
