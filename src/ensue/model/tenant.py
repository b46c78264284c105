"""Tenant: relay's owner of workflows and triggers inside a namespace."""

from typing import Literal

from pydantic import Field

from ensue.model.definition import Compat, Metadata, SecretKey, Strict
from ensue.model.values import Json


class TokenFrom(Strict):
    secret_key_ref: SecretKey
    """The secret, in the tenant's own namespace."""


class SinkApi(Strict):
    url: str
    """Where events are posted."""
    token: str = ""
    """Sent as bearer token."""
    token_from: TokenFrom | None = None
    """Where the token is taken from instead."""


class Sink(Strict):
    """An HTTP API that is told what happens."""

    api: SinkApi | None = None
    """The API; without one nothing is sent."""


class NamespaceTemplate(Strict):
    metadata: dict[str, Json] = Field(default_factory=dict)
    """Metadata of the Kubernetes namespace that is made for the tenant's workloads."""


class ToolInjection(Strict):
    volume_claim_template: dict[str, Json] = Field(default_factory=dict)
    """The volume that carried relay's tools; kept, not used."""


class TenantSpec(Strict):
    namespace_template: NamespaceTemplate | None = None
    """The Kubernetes namespace for the tenant's workloads; absent: the tenant's own."""
    tool_injection: ToolInjection | None = None
    """relay's way to bring tools into steps."""
    trigger_event_sink: Sink | None = None
    """Who is sent the events of the tenant's triggers."""
    workflow_execution_sink: Sink | None = None
    """Who is sent the progress of the tenant's runs."""


class Tenant(Strict):
    """Groups workflows and triggers and says where their events and workloads go."""

    api_version: Literal["ensue.dev/v1alpha1", "relay.sh/v1beta1"] = "ensue.dev/v1alpha1"
    kind: Literal["Tenant"] = "Tenant"
    metadata: Metadata
    """What names the tenant and describes it."""
    compat: Compat = ""
    """`strict` reproduces quirks of the reference systems."""
    spec: TenantSpec
    """Where its events and workloads go."""
