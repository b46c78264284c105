"""Errors as problem documents (RFC 9457). The one table from error to status."""

import logging
import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from ensue.api import complaining, views
from ensue.model import errors
from ensue.operations.world import World

log = logging.getLogger("ensue.api")

STATUS: Mapping[type[errors.EnsueError], int] = {
    errors.InvalidDefinition: 422,
    errors.InvalidParameters: 422,
    errors.InvalidInput: 400,
    errors.UnsupportedMediaType: 415,
    errors.NotFound: 404,
    errors.Unauthenticated: 401,
    errors.Denied: 403,
    errors.Conflict: 409,
    errors.Changed: 412,
    errors.Unavailable: 503,
    errors.SecretsLocked: 500,
    errors.TooLarge: 413,
    errors.TooSlow: 408,
    errors.NotTaken: 405,
    errors.RateExceeded: 429,
}
"""A subclass that is not here has the status of its parent; whatever has none is a 500."""

HEADERS: Mapping[int, Mapping[str, str]] = {
    401: {"WWW-Authenticate": 'Bearer realm="ensue"'},
    503: {"Retry-After": "1"},
}
CODES: Mapping[int, str] = {
    404: "unknown_route",
    405: "method_not_allowed",
    408: "too_slow",
    412: "precondition_failed",
    413: "too_large",
    421: "unknown_host",
}
MEDIA_TYPE = "application/problem+json"


def problem(
    status: int, code: str, detail: str, *, remedy: str = "", headers: Mapping[str, str] | None = None, **more: Any
) -> JSONResponse:
    body = {
        "type": f"https://ensue.dev/problems/{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
    }
    body |= {"remedy": remedy} if remedy else {}
    return JSONResponse(
        body | more, status, headers={**HEADERS.get(status, {}), **(headers or {})}, media_type=MEDIA_TYPE
    )


def of(error: errors.EnsueError) -> JSONResponse:
    status = next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)
    more: dict[str, Any] = {}
    if isinstance(error, errors.InvalidDefinition) or (isinstance(error, errors.InvalidParameters) and error.problems):
        more["problems"] = [views.problem(problem) for problem in error.problems]
    if isinstance(error, errors.RateExceeded):
        more["headers"] = {"Retry-After": str(math.ceil(error.after.total_seconds()))}
    return problem(status, error.code, error.message, remedy=error.remedy, **more)


def register(app: FastAPI) -> None:
    """Every error that leaves a route becomes a problem document."""
    app.add_exception_handler(errors.EnsueError, _known)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _bug)


async def _known(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, errors.EnsueError)
    if isinstance(error, errors.Denied) and error.refused is not None:
        world: World = request.app.state.world
        try:
            await world.access.note(error.refused)
        except errors.Unavailable as away:
            log.warning("cannot record that %s was refused: %s", error.refused.identity.subject, away)
    return of(error)


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return of_http(request, error)


def of_http(request: Request, error: HTTPException) -> JSONResponse:
    detail, remedy = error.detail, ""
    if error.status_code == 404:
        detail = f"there is nothing at {request.url.path}"
        remedy = "GET /docs lists all addresses"
    elif error.status_code == 405:
        detail = f"{request.method} is not possible on {request.url.path}"
        remedy = f"use {allowed}" if (allowed := (error.headers or {}).get("Allow", "")) else ""
    code = CODES.get(error.status_code, "invalid_input" if error.status_code < 500 else "internal")
    return problem(error.status_code, code, detail, remedy=remedy, headers=error.headers)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    found = error.errors()[0]
    message, remedy = complaining.words({**found, "loc": found["loc"][1:]})
    return problem(400, "invalid_input", message, remedy=remedy)


async def _bug(request: Request, error: Exception) -> JSONResponse:
    return problem(500, "internal", "The server made a mistake; its log has the details")
