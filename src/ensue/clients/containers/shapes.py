"""What engines say of themselves, their containers and images, in words of our own."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ensue.clients.containers import frames

Json = Any
"""What engines answer, whose shapes are theirs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """Which engine it is."""

    name: str
    version: str
    is_podman: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What an engine knows of a container."""

    id: str
    status: str
    """created, running, exited, dead…"""
    exit_code: int
    is_oom: bool
    error: str
    started_at: datetime | None
    finished_at: datetime | None
    body: Mapping[str, Json]
    """All of it."""

    @property
    def program(self) -> str:
        """What it runs."""
        return (_words((self.body.get("Config") or {}).get("Entrypoint")) or ("",))[0]

    @property
    def pid(self) -> int:
        """Of its process, as the engine's machine counts them; 0 when it does not run."""
        return int((self.body.get("State") or {}).get("Pid") or 0)

    @property
    def has_ended(self) -> bool:
        return self.status in ("exited", "dead", "stopped") and self.started_at is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A container in a list of them."""

    name: str
    labels: Mapping[str, str]
    is_running: bool
    made_at: float
    """In seconds since 1970."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """How containers reach the machine of their engine."""

    address: str
    """Empty: the engine says none."""
    comes_and_goes: bool = False
    """It is this machine's as soon as a container runs, and while one does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """What an image says of itself."""

    id: str
    entrypoint: tuple[str, ...]
    cmd: tuple[str, ...]
    env: tuple[str, ...]
    workdir: str
    stop_signal: str
    platform: str = ""
    """As `linux/arm64/v8`, as far as it says."""


def state(found: Json) -> State:
    """Of `GET /containers/{name}/json`."""
    said = found["State"]
    return State(
        id=found["Id"],
        status=str(said.get("Status", "")),
        exit_code=int(said.get("ExitCode") or 0),
        is_oom=bool(said.get("OOMKilled")),
        error=str(said.get("Error") or ""),
        started_at=frames.moment(str(said.get("StartedAt", ""))),
        finished_at=frames.moment(str(said.get("FinishedAt", ""))),
        body=found,
    )


def image(found: Json) -> Image:
    """Of `GET /images/{name}/json`."""
    config = found.get("Config") or {}
    return Image(
        id=found["Id"],
        entrypoint=_words(config.get("Entrypoint")),
        cmd=_words(config.get("Cmd")),
        env=_words(config.get("Env")),
        workdir=config.get("WorkingDir") or "",
        stop_signal=config.get("StopSignal") or "",
        platform="/".join(str(found[part]) for part in ("Os", "Architecture", "Variant") if found.get(part)),
    )


def listed(each: Json) -> Listed:
    """Of one of `GET /containers/json`."""
    return Listed(
        name=each["Names"][0].lstrip("/"),
        labels=each.get("Labels") or {},
        is_running=each.get("State") in ("running", "paused", "restarting"),
        made_at=float(each.get("Created") or 0),
    )


def _words(found: Json) -> tuple[str, ...]:
    return (found,) if isinstance(found, str) else tuple(found or ())
