"""What steps need and is not there: a worker with their engine and labels, a secret, a connection. Pure."""

import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ensue.core import graph
from ensue.core.checking_paths import render
from ensue.core.graph import Graph, Node
from ensue.expr import relay
from ensue.expr.interface import Kind, Missing
from ensue.model import secret
from ensue.model.errors import Problem, Severity
from ensue.model.secret import DEFAULT_KEY
from ensue.model.values import DEFAULT_NAMESPACE

SECRET_FIELDS = ("env", "spec", "with")
CONTAINERS = "start Docker or Podman beside a worker, or let its ENSUE_CONTAINER_HOST say where one listens"
UNNAMEABLE = f"a secret is named with {secret.NAMES}; only a vault may have other names, without slashes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What a worker offers."""

    name: str
    labels: Mapping[str, str]
    engines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lack:
    """What no worker has, and what to do."""

    message: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.message} ({self.remedy})"


def of_workers(engine: str, selector: str, places: Sequence[Place]) -> Lack | None:
    """Why a step can be claimed by nobody; None when somebody can."""
    fitting = [place for place in places if engine in place.engines]
    if not fitting:
        known = ", ".join(sorted({each for place in places for each in place.engines})) or "none"
        remedy = CONTAINERS if engine == "container" else f"start a worker that has it, or name another: {known}"
        return Lack(message=f"no worker has the engine {engine}", remedy=remedy)
    wanted = graph.labels_of(selector)
    if any(wanted.items() <= place.labels.items() for place in fitting):
        return None
    return Lack(
        message=f"no worker has the labels {selector}",
        remedy=f"start one with `--labels {selector}`, or change `requires`; `ensue get workers -o wide` shows theirs",
    )


def of_steps(built: Graph, part: str, places: Sequence[Place]) -> Iterator[Problem]:
    """The steps that would wait for a worker. `part` is where a definition has them, as `steps`."""
    for node in built.nodes.values():
        if relay.has_expressions([node.engine, *node.step.requires.values()]):
            continue
        if (lack := of_workers(node.engine, node.selector, places)) is not None:
            message = f"step {node.name} would wait: {lack.message}"
            yield _problem(built, node, part, message, lack.remedy)


@dataclass(frozen=True, slots=True)
class Remedies:
    """How to give a secret, and the attributes of a connection; `{}` is the name under which it is kept, as a shell
    takes it."""

    secret: str
    connection: str

    def of(self, read: "Read") -> str:
        template = self.connection if read.kind is Kind.CONNECTION else self.secret
        return template.replace("{}", shlex.quote(read.names[0])) if secret.is_name(read.names[0]) else UNNAMEABLE


@dataclass(frozen=True, slots=True, order=True)
class Read:
    """What a step reads: any of these secrets, the first of which counts."""

    names: tuple[str, ...]
    title: str
    kind: Kind


def secrets_read(built: Graph) -> frozenset[str]:
    """The names of those that any of the steps reads, as far as its texts tell; connections as they may be kept."""
    return frozenset(name for node in built.nodes.values() for read in _secrets(built, node) for name in read.names)


def of_secrets(built: Graph, part: str, known: Collection[str], remedies: Remedies) -> Iterator[Problem]:
    """The steps that read a secret or a connection that is not there."""
    for node in built.nodes.values():
        for read in sorted(_secrets(built, node)):
            if not any(name in known for name in read.names):
                message = f"step {node.name} reads a {read.kind} that is not there: {read.title}"
                yield _problem(built, node, part, message, remedies.of(read))


def of_missing(missing: Sequence[Missing], namespace: str) -> list[Lack]:
    """The secrets and connections among what an expression missed."""
    where = "" if namespace == DEFAULT_NAMESPACE else f" -n {namespace}"
    return [lack for one in missing if (lack := _of_one(one, where)) is not None]


def _of_one(missing: Missing, where: str) -> Lack | None:
    match missing.kind, missing.names:
        case Kind.SECRET, (name, *keys):
            key = next((one for one in keys if one != DEFAULT_KEY), "")
            named, given = (f"{name} with the key {key}", f"{name}.{key}") if key else (name, name)
            command = shlex.join(filter(None, ("ensue", "secret", "set", name, key)))
            remedy = f"`{command}{where}` sets it; for `ensue run` give --secret {shlex.quote(given)}=FILE"
            return Lack(message=f"there is no secret {named}", remedy=remedy if secret.is_name(name) else UNNAMEABLE)
        case Kind.CONNECTION, (kind, name, *_):
            template = f"it is kept as the secret {{}}: `ensue secret set {{}} KEY{where}` for each key"
            read = Read(secret.of_connection(kind, name), f"{kind}/{name}", Kind.CONNECTION)
            return Lack(message=f"there is no connection {read.title}", remedy=Remedies("", template).of(read))
    return None


def _secrets(built: Graph, node: Node) -> set[Read]:
    """As far as the step's texts tell."""
    flavour = relay.of(built.workflow.api_version, built.workflow.compat)
    guarded = (*SECRET_FIELDS, "when") if flavour.is_relay else SECRET_FIELDS
    fields = [value for path, value in graph.expressions(node.step) if path[0] in guarded]
    read: set[Read] = set()
    for finding in relay.findings(fields, flavour):
        match finding.what:
            case relay.Mention("connections", (kind, name, *_)):
                read.add(Read(secret.of_connection(kind, name), f"{kind}/{name}", Kind.CONNECTION))
            case relay.Mention("secrets", (name, *_)):
                read.add(Read((name,), name, Kind.SECRET))
    return read


def _problem(built: Graph, node: Node, part: str, message: str, remedy: str) -> Problem:
    place = ("finally", node.position - len(built.mains)) if node.is_finally else (part, node.position)
    return Problem(message=message, remedy=remedy, path=render(("spec", *place)), severity=Severity.WARNING)
