"""Plug, Socket and DeferredResource: consumer, provider, and an object that is made later."""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from ensue.model.definition import Compat, Metadata, Reference, Strict
from ensue.model.values import Json

RelationVersion = Literal["ensue.dev/v1alpha1", "integration.rock8s.com/v1beta1"]
NonEmpty = Annotated[str, StringConstraints(min_length=1, max_length=253)]


class Do(StrEnum):
    APPLY = "apply"
    DELETE = "delete"
    RECREATE = "recreate"


class Moment(StrEnum):
    """What happens to a relation's sides."""

    CREATED = "created"
    COUPLED = "coupled"
    UPDATED = "updated"
    DECOUPLED = "decoupled"
    DELETED = "deleted"


class ObjectRef(Strict):
    """A Kubernetes object; name and namespace may be templates."""

    api_version: str = ""
    """Group and version, as `apps/v1`."""
    group: str = ""
    """The group, in place of apiVersion."""
    version: str = ""
    """The version, in place of apiVersion."""
    kind: str = ""
    """The object's kind."""
    name: str = ""
    """The object's name."""
    namespace: str = ""
    """The object's namespace."""
    template_name: str = ""
    """A Go template that gives the name."""
    template_namespace: str = ""
    """A Go template that gives the namespace."""


class FieldRef(Strict):
    field_path: str = ""
    """A path into the object."""


class Var(Strict):
    """A value read from a live object."""

    name: NonEmpty
    """What templates call it."""
    objref: ObjectRef
    """The object."""
    fieldref: FieldRef | None = None
    """The field; the whole object when absent."""


class Apparatus(Strict):
    """An HTTP server that is told of every change and may compute configuration."""

    endpoint: str = ""
    """Its address, or a path on the containers' service."""
    idle_timeout: int | None = None
    """Seconds without a call after which its pod is removed."""
    containers: tuple[dict[str, Json], ...] = ()
    """Kubernetes containers to start it on demand."""


class ResourceAction(Strict):
    """What is done with objects that templates give."""

    do: Do | None = None
    """apply, delete or recreate; without it nothing is done."""
    template: Json = None
    """An object whose JSON text is a template."""
    templates: tuple[Json, ...] = ()
    """More of them."""
    string_template: str = ""
    """YAML text that is a template."""
    string_templates: tuple[str, ...] = ()
    """More of them."""


class Resource(ResourceAction):
    """A ResourceAction for some moments of the relation."""

    when: tuple[Moment, ...] = ()
    """The moments; without any it never runs."""
    retain_when_decoupled: bool = False
    """Keep the objects when the relation ends."""


class Property(Strict):
    """A key that a side's configuration or result must or may have."""

    default: str | None = None
    """The value when none is given."""
    description: str = ""
    """Help for the person who fills it in."""
    required: bool = False
    """There must be a value."""


class InterfaceSides(Strict):
    plug: dict[str, Property] = Field(default_factory=dict)
    """Keys of the plug's side."""
    socket: dict[str, Property] = Field(default_factory=dict)
    """Keys of the socket's side."""


class Interface(Strict):
    """What the two sides promise each other."""

    config: InterfaceSides = Field(default_factory=InterfaceSides)
    """Before coupling."""
    result: InterfaceSides = Field(default_factory=InterfaceSides)
    """After coupling."""


class NamespaceRules(Strict):
    namespace_whitelist: tuple[str, ...] = ()
    """Regular expressions of namespaces whose plugs are taken; empty takes all."""
    namespace_blacklist: tuple[str, ...] = ()
    """Regular expressions of namespaces whose plugs are refused."""


class RelationSide(Strict):
    """What plugs and sockets have in common."""

    vars: tuple[Var, ...] = ()
    """Values read from objects before coupling."""
    result_vars: tuple[Var, ...] = ()
    """Values read from objects after coupling."""
    data: dict[str, str] = Field(default_factory=dict)
    """Raw values that templates see."""
    data_config_map_name: str = ""
    """A ConfigMap with more data."""
    data_secret_name: str = ""
    """A Secret with more data."""
    config: dict[str, str] = Field(default_factory=dict)
    """Configuration, checked by the socket's interface."""
    config_template: dict[str, str] = Field(default_factory=dict)
    """Configuration computed by Go templates."""
    config_config_map_name: str = ""
    """A ConfigMap with more configuration."""
    config_secret_name: str = ""
    """A Secret with more configuration."""
    result: dict[str, str] = Field(default_factory=dict)
    """Results, checked by the socket's interface."""
    result_template: dict[str, str] = Field(default_factory=dict)
    """Results computed by Go templates."""
    result_config_map_name: str = ""
    """A ConfigMap with more results."""
    result_secret_name: str = ""
    """A Secret with more results."""
    service_account_name: str = ""
    """The service account that reads and writes for this side; default `default`."""
    apparatus: Apparatus | None = None
    """An HTTP server that is told of every change."""
    resources: tuple[Resource, ...] = ()
    """Objects to make or remove at moments of the relation."""
    result_resources: tuple[ResourceAction, ...] = ()
    """Objects to make or remove after every coupling and update."""
    epoch: str = ""
    """Free text; a change of it updates the relation."""


class PlugSpec(RelationSide):
    socket: Reference | None = None
    """The socket to couple with."""


class SocketSpec(RelationSide):
    interface: Interface | None = None
    """What the two sides promise each other."""
    limit: int | None = Field(default=None, ge=0)
    """How many plugs may be coupled at once."""
    validation: NamespaceRules | None = None
    """Which namespaces' plugs are taken."""


class Plug(Strict):
    """The consumer of a relation."""

    api_version: RelationVersion = "ensue.dev/v1alpha1"
    kind: Literal["Plug"] = "Plug"
    metadata: Metadata
    """What names the plug and describes it."""
    compat: Compat = ""
    """`strict` reproduces quirks of the reference systems."""
    spec: PlugSpec
    """Its socket, configuration and objects."""


class Socket(Strict):
    """The provider of relations."""

    api_version: RelationVersion = "ensue.dev/v1alpha1"
    kind: Literal["Socket"] = "Socket"
    metadata: Metadata
    """What names the socket and describes it."""
    compat: Compat = ""
    """`strict` reproduces quirks of the reference systems."""
    spec: SocketSpec
    """Its interface, configuration and objects."""


class WaitFor(Strict):
    """A Kubernetes object that must exist."""

    api_version: str = ""
    """Group and version, as `apps/v1`."""
    group: str = ""
    """The group, in place of apiVersion."""
    version: str = ""
    """The version, in place of apiVersion."""
    kind: NonEmpty
    """The object's kind."""
    name: NonEmpty
    """The object's name."""


class DeferredResourceSpec(Strict):
    timeout: int | None = Field(default=None, ge=0, le=2**31)
    """Seconds to wait at least."""
    wait_for: tuple[WaitFor, ...] = ()
    """Objects that must exist before."""
    resource: dict[str, Json]
    """The object to make."""
    service_account_name: str = ""
    """The service account that makes it; default `default`."""

    @model_validator(mode="after")
    def check_resource(self) -> Self:
        if missing := [key for key in ("apiVersion", "kind") if not isinstance(self.resource.get(key), str)]:
            raise ValueError(f"the resource needs {' and '.join(missing)}")
        return self


class DeferredResource(Strict):
    """Makes one object later: after a time, or once other objects exist."""

    api_version: RelationVersion = "ensue.dev/v1alpha1"
    kind: Literal["DeferredResource"] = "DeferredResource"
    metadata: Metadata
    """What names the deferred resource and describes it."""
    compat: Compat = ""
    """`strict` reproduces quirks of the reference systems."""
    spec: DeferredResourceSpec
    """What to make, and when."""
