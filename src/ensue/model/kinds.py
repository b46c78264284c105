"""The kinds of definitions: each one's model, API versions, plural and dialects."""

from dataclasses import dataclass

from ensue.model.credential import Credential
from ensue.model.definition import NATIVE_GROUP, Dialect
from ensue.model.permission import Permission
from ensue.model.relation import DeferredResource, Plug, Socket
from ensue.model.run_definition import RunDefinition
from ensue.model.source import Source
from ensue.model.tenant import Tenant
from ensue.model.trigger import Trigger
from ensue.model.workflow import Workflow

NATIVE = NATIVE_GROUP
RELAY = "relay.sh/v1beta1"
RELATION = "integration.rock8s.com/v1beta1"
KUBE_TRIGGER = "standard.oam.dev/v1alpha1"

DIALECTS = {
    NATIVE: Dialect.ENSUE,
    RELAY: Dialect.RELAY,
    RELATION: Dialect.RELATION,
    KUBE_TRIGGER: Dialect.KUBE_TRIGGER,
}

Definition = (
    Workflow | RunDefinition | Trigger | Source | Credential | Tenant | Plug | Socket | DeferredResource | Permission
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One row of the table."""

    name: str
    plural: str
    model: type[Definition]
    api_versions: tuple[str, ...] = (NATIVE,)
    short: str = ""
    """What people may say for it on a command line."""


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(name="Workflow", plural="workflows", short="wf", model=Workflow, api_versions=(NATIVE, RELAY)),
        Kind(name="Run", plural="runs", model=RunDefinition, api_versions=(NATIVE, RELAY)),
        Kind(name="Trigger", plural="triggers", short="tr", model=Trigger, api_versions=(NATIVE, RELAY)),
        Kind(name="Source", plural="sources", short="src", model=Source, api_versions=(NATIVE, RELAY)),
        Kind(name="Credential", plural="credentials", model=Credential),
        Kind(name="Tenant", plural="tenants", model=Tenant, api_versions=(NATIVE, RELAY)),
        Kind(name="Plug", plural="plugs", model=Plug, api_versions=(NATIVE, RELATION)),
        Kind(name="Socket", plural="sockets", model=Socket, api_versions=(NATIVE, RELATION)),
        Kind(
            name="DeferredResource",
            plural="deferredresources",
            model=DeferredResource,
            api_versions=(NATIVE, RELATION),
        ),
        Kind(name="Permission", plural="permissions", short="perm", model=Permission),
    )
}


def find_kind(word: str) -> Kind | None:
    """The kind that a person means by `Workflow`, `workflow`, `workflows` or `wf`."""
    lower = word.lower()
    return next(
        (kind for kind in KINDS.values() if lower and lower in (kind.name.lower(), kind.plural, kind.short)), None
    )
