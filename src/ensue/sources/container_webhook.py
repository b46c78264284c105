"""Source type `container-webhook`: relay's webhook trigger, a container that gets requests and lets events in."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, ClassVar, Protocol

from pydantic import BeforeValidator, Field

from ensue.model.definition import Strict
from ensue.model.values import Json
from ensue.ports.pulling import Memory, Pull, SourceState, SourceStatus
from ensue.sources.webhook.settings import Hook, Unverified, Verify

PATH = "-"
"""Stands for the name of the trigger or source."""


def _as_list(given: object) -> object:
    return [given] if isinstance(given, str) else given


Words = Annotated[tuple[str, ...], BeforeValidator(_as_list)]


class Settings(Hook):
    """A container at `/hooks/NAMESPACE/NAME`, NAME being that of the trigger, or of the source."""

    path: str = Field(default=PATH, pattern=r"^[A-Za-z0-9._~-]{1,128}$")
    """The last segment of its address, in place of the name."""
    verify: Verify = Field(default_factory=lambda: Unverified(type="none"))
    """How the sender is known before the container is asked; default: the container sees to that."""
    image: str = Field(min_length=1)
    """The image, whose program listens at `$PORT`."""
    command: Words = ()
    """What runs, in place of the image's entrypoint."""
    args: Words = ()
    """Its arguments."""
    input: Words = ()
    """Lines of a script that runs instead."""
    spec: dict[str, Json] = Field(default_factory=dict)
    """What it reads from the metadata API."""
    env: dict[str, Json] = Field(default_factory=dict)
    """Its environment."""
    tenant: str = ""
    """The Tenant to whose event sink its events are sent besides."""
    trigger_name: str = ""
    """What that sink is told as its name; default: its own."""


class Stage(Protocol):
    """Where such containers run."""

    async def play(self, pull: Pull, settings: Settings) -> None:
        """Run it until it ends, which it should not, or until cancelled. Raises Fail, which says why it ended."""


class ContainerWebhookSource:
    """Satisfies ports.PullSource. Without a stage it waits: this server has no container engine."""

    name: ClassVar[str] = "container-webhook"
    settings: ClassVar[type[Strict]] = Settings

    def __init__(self, stage: Stage | None = None) -> None:
        self._stage = stage

    def basis(self, settings: Strict) -> Json:
        return None

    async def run(self, pull: Pull) -> None:
        assert isinstance(pull.settings, Settings)
        if self._stage is None:
            pull.report(SourceStatus(state=SourceState.WAITING, message="this server has no container engine"))
            return
        await self._stage.play(pull, pull.settings)

    def outlook(self, settings: Strict, memory: Memory, now: datetime, count: int) -> tuple[datetime, ...]:
        return ()


def with_path(given: Mapping[str, Json], name: str) -> dict[str, Json]:
    """Its settings with the path that it has by default."""
    return {"path": name, **given}
