"""What is asked of the engine when a container is made."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ensue.engines.container import places
from ensue.ports.engine import Command, Limits, Mount

LABEL = "dev.ensue"
OF_INSTANCE = f"{LABEL}.instance"
OF_ATTEMPT = f"{LABEL}.attempt"
OF_DATA = f"{LABEL}.data"
OF_OWNER = f"{LABEL}.owner"
"""Of containers that are to end with a process: which one."""

PIDS = 4096
"""Processes and threads of a container that asks for no other number."""
SMALLEST_LOG = 2**20
LOG_SPACE = 4
"""An engine keeps this many times the bytes of a log that readers get, so that head and tail are never lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What surrounds a container, the same in all phases of an attempt."""

    attempt: str
    workspace: str
    image_id: str
    labels: Mapping[str, str]
    proxies: Mapping[str, str]
    is_podman: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What runs in a container, and where; `script`: the file of the attempt that it sees in the place of its name."""

    argv: tuple[str, ...]
    workdir: str
    script: str = ""


def marks(*, instance: str, attempt: str, data: str, owner: str) -> dict[str, str]:
    """The labels by which a container is found again."""
    return {OF_INSTANCE: instance, OF_ATTEMPT: attempt, OF_DATA: data, **({OF_OWNER: owner} if owner else {})}


def container(room: Room, paths: places.Places, command: Command, limits: Limits, program: Program) -> dict[str, Any]:
    """The body of a request to make the container that runs a program."""
    argv = program.argv
    environment = {
        **room.proxies,
        **command.env,
        "ENSUE_WORKSPACE": places.WORKSPACE,
        "ENSUE_OUTPUTS": f"{places.STEP_INSIDE}/outputs",
        "ENSUE_ARTIFACTS": f"{places.STEP_INSIDE}/artifacts",
        "ENSUE_PARAMETERS": f"{places.STEP_INSIDE}/parameters.json",
        **({"ENSUE_ENV": f"{places.STEP_INSIDE}/{places.ENV}"} if command.image.setup else {}),
    }
    has_stdin = bool(command.stdin)
    return {
        "Image": room.image_id,
        "Entrypoint": [argv[0]],
        "Cmd": list(argv[1:]),
        "Env": [f"{name}={value}" for name, value in environment.items()],
        "WorkingDir": program.workdir,
        "User": command.user,
        "Tty": command.has_pty,
        "OpenStdin": has_stdin,
        "StdinOnce": has_stdin,
        "AttachStdin": has_stdin,
        "Healthcheck": {"Test": ["NONE"]},
        "Labels": dict(room.labels),
        "HostConfig": _host(room, paths, command, limits, program.script),
    }


def _host(room: Room, paths: places.Places, command: Command, limits: Limits, script: str) -> dict[str, Any]:
    image = command.image
    host: dict[str, Any] = {
        "Init": True,
        "Mounts": _mounts(room, paths, command, script),
        "LogConfig": _log(limits, is_podman=room.is_podman),
        "PidsLimit": image.pids or PIDS,
        "SecurityOpt": ["no-new-privileges"],
        "RestartPolicy": {"Name": "no"},
    }
    if limits.memory:
        host["Memory"] = host["MemorySwap"] = limits.memory
    if image.cpus:
        host["NanoCpus"] = int(image.cpus * 1e9)
    if image.network:
        host["NetworkMode"] = image.network
    return host


def _mounts(room: Room, paths: places.Places, command: Command, script: str) -> list[dict[str, Any]]:
    attempt = paths.attempt(room.attempt)
    own = [(room.workspace, places.WORKSPACE, False), (f"{attempt}/{places.STEP}", places.STEP_INSIDE, False)]
    if script:
        own.append((f"{attempt}/{script}", places.SCRIPT_INSIDE, True))
    mounts = [
        {"Type": "bind", "Source": paths.seen(source), "Target": target, "ReadOnly": is_read_only}
        for source, target, is_read_only in own
    ]
    return mounts + [_mount(each) for each in command.image.mounts]


def _mount(mount: Mount) -> dict[str, Any]:
    kind = "bind" if mount.name.startswith("/") else "volume"
    return {"Type": kind, "Source": mount.name, "Target": mount.path, "ReadOnly": mount.is_read_only}


def _log(limits: Limits, *, is_podman: bool) -> dict[str, Any]:
    """Drivers that keep bytes as they are; Docker's default one spoils what is no text."""
    size = str(max(limits.output * LOG_SPACE, SMALLEST_LOG))
    if is_podman:
        return {"Type": "k8s-file", "Config": {"max-size": size}}
    return {"Type": "local", "Config": {"max-size": size, "max-file": "2", "compress": "false"}}
