"""Settings: flag > environment > file > default. Every variable has a `_FILE` twin that names a file with the value."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from ensue.expr.spelling import closest, did_you_mean
from ensue.model.errors import InvalidInput
from ensue.model.identity import Identity
from ensue.model.rate import Rate
from ensue.model.values import ByteSize, Duration, Json

PREFIX = "ENSUE_"
CONFIG = "ENSUE_CONFIG"
HASHED = r"^sha256:[0-9a-f]{64}$"
FLAGS = {"data_dir": "--data", "database_url": "--database"}
CHOICES = {
    "log_level": ("debug", "info", "warning", "error"),
    "log_format": ("text", "json"),
    "outbound": ("private", "public"),
    "container_pull": ("always", "ifNotPresent", "never"),
}
OF_COMMANDS = frozenset({"URL", "TOKEN", "CONFIG", "CONTEXT", "EDITOR", "NAMESPACE", "SECRET"})
"""Variables that commands read and that are no settings of a server."""
EXAMPLES = {
    "url": "https://ensue.example.org",
    "metadata_url": "http://172.17.0.1:7000",
    "container_proxy": "http://proxy.example.org:3128",
}


def default_data_dir() -> Path:
    if os.geteuid() == 0:
        return Path("/var/lib/ensue")
    home = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(home) / "ensue"


class User(BaseModel):
    """Somebody whom the settings name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    groups: tuple[str, ...] = ()
    tokens: tuple[Annotated[str, StringConstraints(pattern=HASHED)], ...] = Field(min_length=1)
    """`sha256:` and the hash, as `ensue token hash` prints it."""

    @property
    def hashes(self) -> tuple[str, ...]:
        return tuple(text.partition(":")[2] for text in self.tokens)


class Settings(BaseModel):
    """What an operator can set; the environment variable of a field is ENSUE_ and its name in capitals."""

    # Built at its first use: most commands want the data directory alone.
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, defer_build=True)

    data_dir: Path = Field(default_factory=default_data_dir)
    """Where everything of this process lives: database, logs, workspaces, the supervisor."""
    database_url: str = ""
    """sqlite:///… or postgresql://…; default: SQLite in the data directory."""
    storage_dir: Path | None = None
    """Where log segments go; several servers on one database share it. Default: in the data directory."""
    secret_key_file: Path | None = None
    """The keys of stored secrets; servers on one database share it. Default: secret.key in the data directory."""
    secret_dir: Path | None = None
    """A directory with secrets as files: NAMESPACE/NAME or NAMESPACE/NAME/KEY, a workflow's own in
    NAMESPACE.WORKFLOW."""
    vault_address: str = Field(default="", pattern=r"^(https?://\S+)?$")
    """A vault that speaks Vault's KV version 2, as https://vault.example.org:8200."""
    vault_token_path: Path = Path("~/.vault-token")
    """A file with the token for the vault; read each time, so that it may be renewed."""
    vault_mount: str = "secret"
    """Where its KV engine is mounted."""
    vault_secret_paths: str = "{namespace}/workflows/{workflow},{namespace}/secrets"  # noqa: S105 # a path
    """Where secrets are in the mount, the first that has one wins; relay's is workflows/{workflow}."""
    vault_connection_path: str = "{namespace}/connections"
    """Where connections are in the mount."""
    listen: str = "127.0.0.1:8080"
    """Address and port of the HTTP API; port 0 takes a free one."""
    url: str = Field(default="", pattern=r"^(https?://\S+)?$")
    """How others reach the HTTP API, as https://ensue.example.org: for links, and a name to answer to. Commands with a
    token in ENSUE_TOKEN talk to it."""
    metadata_listen: str = "127.0.0.1:0"
    """Address and port of the metadata API, which running steps talk to; port 0 takes a free one. `ensue metadata`
    takes 7000."""
    metadata_url: str = Field(default="", pattern=r"^(https?://[^\s@]+)?$")
    """How steps reach the metadata API, as http://172.17.0.1:7000, when that is not where it listens."""
    step_schemas: Path | None = None
    """Schemas of steps by their image, in the JSON that relay publishes; what does not fit becomes a message."""
    event_bytes: ByteSize = 2**20
    """How large a message of events may be; a webhook has a limit of its own."""
    event_rate: Rate | None = None
    """How many events a namespace may send to the API, as 1000/1s; each server counts alone. Default: no bound."""
    hook_rate: Rate | None = None
    """How many requests a webhook without a rate of its own takes, as 100/1s. Default: no bound."""
    log_level: str = Field(default="INFO", pattern=f"(?i)^({'|'.join(CHOICES['log_level'])})$")
    """What is logged: debug, info, warning or error."""
    log_format: str = Field(default="text", pattern=f"^({'|'.join(CHOICES['log_format'])})$")
    """How it is logged: text or json."""
    users: dict[str, User] = Field(default_factory=dict)
    """Who may come with a token, by name; only in the file of settings."""
    labels: dict[str, str] = Field(default_factory=dict)
    """Labels of this worker, as key=value,key=value (or ENSUE_LABELS__KEY=value): steps with `requires` run where they
    match."""
    process_slots: int = Field(default_factory=lambda: max(4, 2 * (os.cpu_count() or 2)), ge=0, le=10_000)
    """Steps run as processes at once."""
    container_slots: int = Field(default_factory=lambda: max(4, 2 * (os.cpu_count() or 2)), ge=0, le=10_000)
    """Steps run in containers at once."""
    container_host: str = ""
    """The container engine, as unix:///run/docker.sock, tcp://engine:2376 or ssh://user@machine; none: there is none.
    Default: DOCKER_HOST, DOCKER_CONTEXT, CONTAINER_HOST, Docker's current context, else the usual sockets of Docker
    and Podman."""
    container_context: str = ""
    """The Docker context whose engine is used, instead of naming the engine."""
    container_certs: Path | None = None
    """A directory with ca.pem, cert.pem and key.pem, for an engine at tcp:// that speaks TLS."""
    container_verify: bool = True
    """Whether an engine that speaks TLS has to prove who it is."""
    container_proxy: str = Field(default="", pattern=r"^(http://[^\s@/]+)?$")
    """An HTTP proxy on the way to an engine at tcp://, as http://proxy.example.org:3128; containers know nothing of
    it."""
    container_config: Path | None = None
    """Docker's directory of configuration: contexts, logins to registries, proxies of containers. Default:
    DOCKER_CONFIG, else ~/.docker."""
    container_image: str = "docker.io/library/alpine:latest"
    """The image of a step that runs in a container and names none."""
    container_pull: str = Field(default="ifNotPresent", pattern="^(always|ifNotPresent|never)$")
    """When an image is pulled whose step does not say: always, ifNotPresent or never."""
    container_data: Path | None = None
    """The data directory as the container engine sees it, where that is another path (a server in a container)."""
    container_mounts: str = ""
    """What containers of steps may mount besides their own volumes, as /srv/cache,models: directories of the engine's
    machine, themselves and not what is below, and volumes of the engine."""
    container_networks: str = ""
    """The networks that containers of steps may join besides the engine's default and `none`, as build,host."""
    inline_slots: int = Field(default=200, ge=1, le=10_000)
    """Steps run inside this process at once."""
    outbound: str = Field(default="private", pattern=f"^({'|'.join(CHOICES['outbound'])})$")
    """Where `http`, `emit` and fetched scripts may go: private (and this machine) too, or public addresses alone."""
    step_user: str = ""
    """The user that process steps run as (needs root); default: the server's own."""
    step_grace: Duration = Field(default="10s", validate_default=True)
    """Between asking a step to end and killing it."""
    step_output: ByteSize = 16 * 2**20
    """Log bytes kept of an attempt, at most; a step may say less."""
    lease: Duration = Field(default="15s", validate_default=True)
    """How long a worker that does not answer is believed in."""
    drain: Duration = Field(default="30s", validate_default=True)
    """How long steps may go on after the order to end."""
    keep_runs: Duration = Field(default="30d", validate_default=True)
    """How long runs are kept after their end."""
    keep_event_ids: Duration = Field(default="7d", validate_default=True)
    """How long a repeat of an event (same source and id) is known as one."""
    keep_events: Duration = Field(default="30d", validate_default=True)
    """How long events are kept."""
    keep_audit: Duration = Field(default="365d", validate_default=True)
    """How long the audit log and replaced or deleted versions of definitions are kept."""

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{self.data_dir / 'ensue.db'}"

    @property
    def identities(self) -> dict[str, Identity]:
        """The users, by the hash of each of their tokens."""
        return {
            hash: Identity(subject=f"user:{name}", groups=user.groups)
            for name, user in self.users.items()
            for hash in user.hashes
        }

    @property
    def is_shared(self) -> bool:
        """Other servers can work on the same database."""
        return not self.database.startswith("sqlite:")

    @property
    def storage(self) -> Path:
        return self.storage_dir or self.data_dir / "storage"

    @property
    def secret_keys(self) -> Path:
        return self.secret_key_file or self.data_dir / "secret.key"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigFile:
    """The file of settings: their names with their values, and the users."""

    path: str
    values: Mapping[str, Json]


def load(environment: Mapping[str, str], *, file: ConfigFile | None = None, **flags: Any) -> Settings:
    """Settings from flags (None: not given), the environment and a file. Raises InvalidInput naming where it is."""
    values: dict[str, Any] = {} if file is None else _of_file(file)
    for name in Settings.model_fields:
        text = None if name == "users" else _read(environment, f"{PREFIX}{name.upper()}")
        if text is not None:
            values[name] = _labels(text) if name == "labels" else text
    if single := _nested(environment, f"{PREFIX}LABELS"):
        values["labels"] = {**values.get("labels", {}), **single}
    values |= {name: value for name, value in flags.items() if value is not None}
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        name = str(problem["loc"][0])
        place = _place(environment, flags, file, name, problem["loc"])
        raise InvalidInput(f"{place}: {_complaint(name, values.get(name), problem)}") from None


def _of_file(file: ConfigFile) -> dict[str, Any]:
    """Raises InvalidInput for what is no setting, and for users that cannot be."""
    # Most commands want the data directory alone.
    from ensue.core import checking_permissions

    for name in file.values:
        if name not in Settings.model_fields:
            known = sorted(Settings.model_fields)
            raise InvalidInput(
                f'{file.path}: unknown key "{name}"', remedy=did_you_mean(name, known) or f"one of {', '.join(known)}"
            )
    users = file.values.get("users")
    for name, user in (users if isinstance(users, dict) else {}).items():
        groups = user.get("groups", []) if isinstance(user, dict) else []
        try:
            checking_permissions.check_subject(f"user:{name}")
            checking_permissions.check_groups(tuple(map(str, groups)) if isinstance(groups, list) else ())
        except InvalidInput as error:
            raise InvalidInput(f"{file.path}: users.{name}: {error.message}", remedy=error.remedy) from None
    return dict(file.values)


def origin(environment: Mapping[str, str], file: ConfigFile | None, name: str) -> str:
    """Where the value of a setting comes from, when no flag gives it."""
    variable = f"{PREFIX}{name.upper()}"
    if name != "users" and _read(environment, variable) is not None:
        return _place(environment, {}, file, name, (name,))
    if name == "labels" and _nested(environment, variable):
        return f"{variable}__…"
    return f"{file.path}: {name}" if file is not None and name in file.values else "default"


def ignored(environment: Mapping[str, str]) -> list[tuple[str, str]]:
    """Variables that look like settings and are none, each with a remedy; inside a step there are others."""
    if "ENSUE_RUN_ID" in environment:
        return []
    fields = sorted(name.upper() for name in Settings.model_fields)
    known = [*fields, *(f"{name}_FILE" for name in fields)]
    found = []
    for variable in sorted(environment):
        name = variable.removeprefix(PREFIX)
        stem = name.removesuffix("_FILE").partition("__")[0]
        if name == variable or name in known or stem in OF_COMMANDS or stem in fields:
            continue
        meant = closest(name, known)
        remedy = f"did you mean {PREFIX}{meant}?" if meant else "unset it; `ensue config show -o wide` lists them"
        found.append((f"{variable} is no setting, and is ignored", remedy))
    return found


def named_data_dir(environment: Mapping[str, str]) -> Path | None:
    """The data directory that the environment names, whatever else is wrong in it."""
    found = _read(environment, f"{PREFIX}DATA_DIR")
    return None if found is None else Path(found)


def _place(
    environment: Mapping[str, str],
    flags: Mapping[str, Any],
    file: ConfigFile | None,
    name: str,
    path: tuple[int | str, ...],
) -> str:
    """Where the value comes from."""
    if flags.get(name) is not None:
        return FLAGS.get(name, f"--{name.replace('_', '-')}")
    variable = f"{PREFIX}{name.upper()}"
    if variable in environment or f"{variable}_FILE" in environment or file is None:
        return variable if variable in environment else f"{variable}_FILE"
    return f"{file.path}: {'.'.join(str(part) for part in path)}"


def _complaint(name: str, given: object, problem: Any) -> str:
    context = problem.get("ctx", {})
    match problem["type"]:
        case "string_pattern_mismatch" if name in EXAMPLES:
            return f"{given} is no address: write it as {EXAMPLES[name]}"
        case "string_pattern_mismatch" if name in CHOICES:
            return f"{given} is none of {', '.join(CHOICES[name])}"
        case "value_error":
            return f"{given} is {context['error']}"
        case "greater_than_equal":
            return f"{given} is less than {context['ge']}"
        case "less_than_equal":
            return f"{given} is more than {context['le']}"
        case "int_parsing" | "int_type" | "int_from_float":
            return f"{given} is not a whole number"
    if name == "users":
        return str(problem["msg"])
    return f"{given} cannot be used: {problem['msg']}"


def _read(environment: Mapping[str, str], name: str) -> str | None:
    path = environment.get(f"{name}_FILE")
    if path is None:
        return environment.get(name)
    if name in environment:
        raise InvalidInput(f"{name} and {name}_FILE are both set", remedy="set one of them")
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise InvalidInput(f"{name}_FILE: {path} cannot be read: {error.strerror}") from None


def _nested(environment: Mapping[str, str], name: str) -> dict[str, str]:
    """What stands below a name: ENSUE_LABELS__ARCH=arm64 is the label `arch`."""
    start = f"{name}__"
    return {
        variable[len(start) :].lower(): text for variable, text in environment.items() if variable.startswith(start)
    }


def _labels(text: str) -> dict[str, str]:
    labels = {}
    for part in filter(None, text.split(",")):
        key, sign, value = part.partition("=")
        if not sign or not key.strip():
            raise InvalidInput(f"{PREFIX}LABELS: {part!r} is not key=value", remedy="write arch=arm64,disk=ssd")
        labels[key.strip()] = value.strip()
    return labels
