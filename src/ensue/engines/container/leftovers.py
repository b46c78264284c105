"""Removes what containers left as users whose files the server may not remove: a container may."""

import asyncio
import logging
import os
from typing import Any

from ensue.clients.containers.api import Api, Refused
from ensue.engines import removing
from ensue.engines.container import bodies
from ensue.model.errors import Unavailable

log = logging.getLogger("ensue.engines.container")

INSIDE = "/ensue/left"
SECONDS = 300.0


async def remove(api: Api, image: str, path: str, *, seen: str, labels: dict[str, str]) -> None:
    """A directory, which the engine sees as `seen`; `image`: one that has `rm`, if there is any. Raises OSError."""
    try:
        await removing.remove(path)
    except PermissionError:
        if not image or not await _is_removed(api, image, path, seen, labels):
            raise


async def _is_removed(api: Api, image: str, path: str, seen: str, labels: dict[str, str]) -> bool:
    name = f"ensue-{labels[bodies.OF_INSTANCE]}-left-{os.urandom(6).hex()}"
    try:
        try:
            await api.create(name, _body(image, seen, labels))
            await api.start(name)
            await api.wait(name, SECONDS)
        finally:
            await asyncio.shield(api.remove(name))
    except (Refused, Unavailable) as error:
        log.info("no container of image %s removes %s: %s", image, path, error)
    return not await asyncio.to_thread(os.path.lexists, path)


def _body(image: str, seen: str, labels: dict[str, str]) -> dict[str, Any]:
    directory, name = os.path.split(seen)
    return {
        "Image": image,
        "Entrypoint": ["rm"],
        "Cmd": ["-rf", "--", f"{INSIDE}/{name}"],
        "User": "0:0",
        "WorkingDir": "/",
        "Labels": labels,
        "HostConfig": {
            "Init": True,
            "NetworkMode": "none",
            "SecurityOpt": ["no-new-privileges"],
            "Mounts": [{"Type": "bind", "Source": directory, "Target": INSIDE}],
        },
    }
