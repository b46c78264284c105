"""Containers that serve as long as somebody wants them: they listen at `$PORT`, which only this machine reaches."""

import asyncio
import contextlib
import hashlib
import socket
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ensue.clients.containers import packing
from ensue.clients.containers.api import Api, Refused
from ensue.engines.container import bodies, commands, pulling
from ensue.engines.container.engine import ContainerEngine
from ensue.model.errors import Fail, Unavailable
from ensue.ports.engine import Image

PORT = 8080
START_SECONDS = 60.0
LEAVING_SECONDS = 30.0
"""How long one of the same name, which a killed server left, may take to be gone."""
LEAVING_PAUSE = 0.2
MEMORY = 2**30
LAST_LINES, LONGEST_WORDS = 3, 300
SCRIPT = "ensue-script"
"""The name of a script in the root directory of its container."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to serve."""

    title: str
    image: str
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    script: str = ""
    env: Mapping[str, str]
    mask: Callable[[str], str] = str
    """Takes out of its words what nobody else may know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """`address` is where it listens; `ended` returns what it said last, once it runs no more."""

    address: str
    api: Api
    name: str
    mask: Callable[[str], str]

    async def ended(self) -> str:
        await self.api.wait(self.name, 86400.0 * 365)
        return await _last_words(self.api, self.name, self.mask)


@contextlib.asynccontextmanager
async def serving(engine: ContainerEngine, wanted: Wanted) -> AsyncIterator[Served]:
    """Runs it until the context ends. Raises Fail when it cannot be run or does not listen, Unavailable."""
    api, name = engine.api, f"ensue-{engine.instance}-hook-{hashlib.sha256(wanted.title.encode()).hexdigest()[:16]}"
    engine.served.add(name)
    try:
        await _make(api, name, await _body(engine, wanted))
        if wanted.script:
            await api.put(name, "/", packing.program(SCRIPT, _runnable(wanted.script).encode()))
        await api.start(name)
        yield Served(address=await _address(api, name, wanted.mask), api=api, name=name, mask=wanted.mask)
    except Refused as error:
        raise Fail(error.message) from None
    except pulling.ImageAbsent as error:
        raise Fail(error.message) from None
    finally:
        await asyncio.shield(_removed(engine, name))


async def _make(api: Api, name: str, body: dict[str, Any]) -> None:
    """In the place of one of that name. While somebody else removes that, as a sweep does, the engine refuses."""
    began = time.monotonic()
    while True:
        await api.remove(name)
        try:
            return await api.create(name, body)
        except Refused as error:
            if error.status != 409 or time.monotonic() - began > LEAVING_SECONDS:
                raise
        await asyncio.sleep(LEAVING_PAUSE)


def _runnable(script: str) -> str:
    return script if script.startswith("#!") else f"#!/bin/sh\n{script}"


async def _removed(engine: ContainerEngine, name: str) -> None:
    """One that stays is swept when there is a chance."""
    with contextlib.suppress(Unavailable):
        await engine.api.remove(name)
    engine.served.discard(name)


async def _body(engine: ContainerEngine, wanted: Wanted) -> dict[str, Any]:
    image = await pulling.bring(api := engine.api, Image(reference=wanted.image), engine.options)
    argv = (f"/{SCRIPT}",) if wanted.script else (*wanted.command, *wanted.args)
    if not (wanted.script or wanted.command):
        argv = commands.resolve(image.entrypoint, image.cmd, wanted.args, keeps_arguments=True)
    port = f"{PORT}/tcp"
    about = await api.about()
    environment = {**engine.options.proxies, **wanted.env, "PORT": str(PORT)}
    log = {"Type": "k8s-file", "Config": {}} if about.is_podman else {"Type": "local", "Config": {"max-size": "1m"}}
    return {
        "Image": image.id,
        "Entrypoint": [argv[0]],
        "Cmd": list(argv[1:]),
        "Env": [f"{name}={value}" for name, value in environment.items()],
        "ExposedPorts": {port: {}},
        "Labels": bodies.marks(instance=engine.instance, attempt="hook", data=engine.data, owner=engine.options.owner),
        "HostConfig": {
            "Init": True,
            "PortBindings": {port: [{"HostIp": "127.0.0.1", "HostPort": ""}]},
            "PidsLimit": bodies.PIDS,
            "Memory": MEMORY,
            "MemorySwap": MEMORY,
            "SecurityOpt": ["no-new-privileges"],
            "LogConfig": log,
        },
    }


async def _last_words(api: Api, name: str, mask: Callable[[str], str]) -> str:
    """Without secrets, and without what would do something to a terminal. Masked while it is whole."""
    said = mask((await api.last_lines(name, LAST_LINES)).decode("utf-8", "replace"))
    return "".join(char if char.isprintable() or char == "\n" else " " for char in said).strip()[-LONGEST_WORDS:]


async def _address(api: Api, name: str, mask: Callable[[str], str]) -> str:
    """Once it listens. The engine listens before it does: only an answer tells."""
    for _ in range(int(START_SECONDS / 0.1)):
        state = await api.inspect(name)
        if state is None or state.has_ended:
            said = await _last_words(api, name, mask) if state else ""
            raise Fail(f"the container ended before it listened at $PORT: {said}")
        bound = ((state.body.get("NetworkSettings") or {}).get("Ports") or {}).get(f"{PORT}/tcp") or ()
        if bound and await asyncio.to_thread(_answers, int(bound[0]["HostPort"])):
            return f"http://127.0.0.1:{bound[0]['HostPort']}"
        await asyncio.sleep(0.1)
    raise Fail(f"the container does not listen at $PORT ({PORT})")


def _answers(port: int) -> bool:
    """Whether the other side keeps the connection: a proxy closes it when nobody listens behind it."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(("127.0.0.1", port))
            probe.settimeout(0.2)
            return probe.recv(1) != b""
        except TimeoutError:
            return True
        except OSError:
            return False
