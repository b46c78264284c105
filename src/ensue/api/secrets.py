"""Routes of secrets: values go in, and never come out again."""

import base64
import binascii
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi import Request as HttpRequest
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response

from ensue.api import requests, views
from ensue.api.paging import PageOf
from ensue.api.requests import IdentityOf, NamespaceOf, ScopeOf, WorldOf
from ensue.model.errors import InvalidInput, NotFound
from ensue.model.secret import DEFAULT_KEY, SecretPlace
from ensue.operations import secrets

router = APIRouter(tags=["secrets"])


class SecretBody(BaseModel):
    """A value, as text or as the base64 of its bytes. Exactly one of them."""

    model_config = ConfigDict(extra="forbid", strict=True)

    value: str | None = Field(default=None, repr=False)
    base64: str | None = Field(default=None, repr=False)


class RotationBody(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    new_key: bool = Field(default=True, alias="newKey")
    """Make a new key first; else the first one of the key file is taken."""


def place_of(
    request: HttpRequest, namespace: NamespaceOf, name: str, workflow: Annotated[str, Query()] = ""
) -> SecretPlace:
    """Which secret a request is about; without a key in the path, the one that has none."""
    key = request.path_params.get("key", DEFAULT_KEY)
    return SecretPlace(namespace=namespace, name=name, key=key, workflow=workflow)


PlaceOf = Annotated[SecretPlace, Depends(place_of)]


@router.get("/secrets")
async def list_secrets(world: WorldOf, identity: IdentityOf, scope: ScopeOf, page: PageOf) -> Response:
    """Names, keys and times, by name."""
    found = views.secrets(await secrets.list_all(identity, world, scope))
    return JSONResponse(views.listing(*page.of(found, _owner)))


@router.post("/secrets/rotate", openapi_extra=requests.documented(RotationBody))
async def rotate_secrets(world: WorldOf, identity: IdentityOf, request: HttpRequest) -> Response:
    """Seal all secrets of the server with a new key."""
    body = await requests.body_as(RotationBody, request)
    done = await secrets.rotate(identity, world, has_new_key=body.new_key)
    return JSONResponse({"keyId": done.key_id, "resealed": done.resealed})


@router.get("/secrets/{name}")
async def get_secret(world: WorldOf, identity: IdentityOf, place: PlaceOf) -> Response:
    """The keys of a secret, and when each was set."""
    found = await secrets.list_all(identity, world, place.namespace, place.name)
    own = [each for each in found if each.place.workflow == place.workflow]
    if not own:
        raise NotFound(f"there is no secret {place.title}")
    return JSONResponse(next(views.secrets(own)))


@router.put("/secrets/{name}", openapi_extra=requests.documented(SecretBody))
@router.put("/secrets/{name}/{key}", openapi_extra=requests.documented(SecretBody), name="put_secret_key")
async def put_secret(world: WorldOf, identity: IdentityOf, place: PlaceOf, request: HttpRequest) -> Response:
    """Set a value: 201 when it is new, else 200."""
    value = _bytes(await requests.body_as(SecretBody, request))
    stored = await secrets.set_value(identity, world, place, value)
    return JSONResponse(next(views.secrets([stored])), 201 if stored.created_at == stored.changed_at else 200)


@router.delete("/secrets/{name}", status_code=204)
async def delete_secret(world: WorldOf, identity: IdentityOf, place: PlaceOf) -> Response:
    """Delete a secret with all its values."""
    await secrets.delete(identity, world, place, has_all_keys=True)
    return Response(status_code=204)


@router.delete("/secrets/{name}/{key}", status_code=204)
async def delete_secret_key(world: WorldOf, identity: IdentityOf, place: PlaceOf) -> Response:
    """Delete one value of a secret."""
    await secrets.delete(identity, world, place)
    return Response(status_code=204)


def _owner(found: views.View) -> tuple[str, ...]:
    metadata, workflow = found["metadata"], found["spec"].get("workflowRef", {"name": ""})
    return metadata["namespace"], metadata["name"], workflow["name"]


def _bytes(body: SecretBody) -> bytes:
    match body.value, body.base64:
        case str(text), None:
            try:
                return text.encode()
            except UnicodeEncodeError:
                raise InvalidInput("value: half of a surrogate pair is no text", remedy="send base64") from None
        case None, str(text):
            try:
                return base64.b64decode(text, validate=True)
            except (binascii.Error, ValueError):
                raise InvalidInput("base64: this is not base64") from None
    raise InvalidInput("the body has not exactly one of value and base64")
