"""What a step can say of the container it runs in."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from ensue.model.definition import Strict
from ensue.model.errors import Fail
from ensue.model.workflow import EnvName, Step, SystemName
from ensue.ports.engine import Image, Login, Mount

VolumeName = Annotated[str, StringConstraints(pattern=r"^(/[^,:]*|[a-zA-Z0-9][a-zA-Z0-9_.-]{0,120})$")]
Inside = Annotated[str, StringConstraints(pattern=r"^/[^,:]+$")]

MOST_PROCESSORS = 10_000


class RunInputs(Strict):
    """`with` of a step that runs a program."""

    pty: bool = False
    """Give it a terminal; output and errors are then one stream."""
    user: SystemName = ""
    """Run as this user (name or number); as a process it needs a server that runs as root."""
    stdin: str = ""
    """What it reads from its standard input."""


class Pull(StrEnum):
    ALWAYS = "always"
    IF_NOT_PRESENT = "ifNotPresent"
    NEVER = "never"


class LoginInputs(Strict):
    """Who pulls the image."""

    username: str
    """The user at the registry."""
    password: str = Field(repr=False)
    """The password or token, usually `${secrets.NAME}`."""


class Volume(Strict):
    """What the container mounts."""

    name: VolumeName
    """A volume of the namespace, made when it is not there; or a directory that the operator allows."""
    path: Inside
    """Where the container sees it."""
    read_only: bool = False
    """It cannot be written to."""


class ContainerInputs(RunInputs):
    """`with` of a step that has an image."""

    pull: Pull | None = None
    """When the image is pulled: always, ifNotPresent or never."""
    login: LoginInputs | None = None
    """Who pulls it."""
    platform: str = Field(default="", pattern=r"^[a-z0-9]*(/[a-z0-9]+){0,2}$", examples=["linux/arm64"])
    """The platform of the image, where it has several."""
    network: str = Field(default="", pattern=r"^[a-zA-Z0-9_.-]*$")
    """`none`, or a network that the operator allows; default: the engine's own."""
    volumes: tuple[Volume, ...] = Field(default=(), max_length=50)
    """What it mounts besides the workspace."""
    environ: dict[EnvName, str] = Field(default_factory=dict)
    """Environment variables, as in the step's `env`."""
    pids: int | None = Field(default=None, ge=1, le=1_000_000)
    """How many processes and threads it may have."""
    setup: str = Field(default="", max_length=2**20)
    """A script that runs before the step in a container like its own; `NAME=value` lines in `$ENSUE_ENV` reach it."""
    teardown: str = Field(default="", max_length=2**20)
    """A script that runs after the step, also when it failed or was stopped."""

    @model_validator(mode="after")
    def _mounts_each_path_once(self) -> "ContainerInputs":
        paths = [volume.path.rstrip("/") for volume in self.volumes]
        if len(set(paths)) < len(paths) or any(path == "/ensue" or path.startswith("/ensue/") for path in paths):
            raise ValueError("volumes: each path once, and none below /ensue")
        return self


def image(step: Step, options: ContainerInputs, *, runs_own_command: bool, is_relay: bool) -> Image:
    """What the engine is asked for. Relay's steps stay where their image says, and add arguments to its command."""
    login = options.login
    return Image(
        reference=step.image or "",
        runs_own_command=runs_own_command,
        keeps_arguments=is_relay,
        stays_in_image=is_relay or runs_own_command,
        pull=options.pull.value if options.pull else "",
        login=Login(username=login.username, password=login.password) if login else None,
        platform=options.platform,
        network=options.network,
        mounts=tuple(Mount(each.name, each.path, each.read_only) for each in options.volumes),
        cpus=_processors(step.resources.cpu or ""),
        pids=options.pids,
        setup=options.setup,
        teardown=options.teardown,
    )


def _processors(text: str) -> float | None:
    """A share as Kubernetes writes it, `500m` or `1.5`. Raises Fail."""
    if not text:
        return None
    number, milli, rest = text.partition("m")
    try:
        found = float(number) / (1000 if milli else 1)
    except ValueError:
        found = 0.0
    if rest or not 0 < found <= MOST_PROCESSORS:
        raise Fail(f"resources.cpu: {text} is no share of processors", remedy="write it as 500m or 1.5")
    return found
