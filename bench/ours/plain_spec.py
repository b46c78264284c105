"""What a Starlette application on the same server costs that answers the same question and knows nothing of tokens,
expressions or runs: the spec is a mapping, the query one key.

`python -m bench.ours.plain_spec PORT FILE`
"""

import json
import sys
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


def application(spec: dict[str, Any]) -> Starlette:
    async def answer(request: Request) -> Response:
        found = spec
        for key in request.query_params["q"].split("."):
            found = found[key]
        return JSONResponse({"value": found, "unresolvable": {}, "complete": True})

    async def healthz(request: Request) -> Response:
        return JSONResponse({"ping": "pong"})

    return Starlette(routes=[Route("/spec", answer), Route("/healthz", healthz)])


if __name__ == "__main__":
    found = json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))
    uvicorn.run(
        application(found), port=int(sys.argv[1]), log_level="error", access_log=False, loop="uvloop", http="httptools"
    )
