"""What relay's documents say that means nothing here: named, so that nobody relies on it."""

from collections.abc import Iterator, Mapping

from ensue.core.checking_paths import Path, render
from ensue.model.errors import Problem, Severity
from ensue.model.tenant import Tenant

VAULT = "relay.sh/vault-"
_VAULT_SETTINGS = {
    "relay.sh/vault-engine-mount": "ENSUE_VAULT_MOUNT",
    "relay.sh/vault-secret-path": "ENSUE_VAULT_SECRET_PATHS",
    "relay.sh/vault-connection-path": "ENSUE_VAULT_CONNECTION_PATH",
}


def check_annotations(annotations: Mapping[str, str]) -> Iterator[Problem]:
    """Where secrets are is the server's to say: else whoever writes a definition could read any of them."""
    for name in annotations:
        if name.startswith(VAULT):
            setting = _VAULT_SETTINGS.get(name, "ENSUE_VAULT_ADDRESS")
            where = ("metadata", "annotations", name)
            yield _warning(where, "definitions do not say where in the vault secrets are", f"set {setting}")


def check_tenant(tenant: Tenant) -> Iterator[Problem]:
    spec = tenant.spec
    template, execution = spec.namespace_template, spec.workflow_execution_sink
    if template is not None and template.metadata:
        message = "no Kubernetes namespace is made here: the tenant's steps run where those of its namespace do"
        yield _warning(("spec", "namespaceTemplate"), message)
    if spec.tool_injection is not None:
        yield _warning(("spec", "toolInjection"), "steps need no tools in their images here", "remove it")
    if execution is not None and execution.api is not None:
        message = "workflows that steps start are started here; nothing is sent to this sink"
        yield _warning(("spec", "workflowExecutionSink"), message, "remove it")
    events = spec.trigger_event_sink
    if events is not None and events.api is not None:
        where = ("spec", "triggerEventSink", "api")
        if not events.api.url:
            yield Problem(message="must not be empty", path=render((*where, "url")))
        if events.api.token and events.api.token_from is not None:
            yield _warning((*where, "token"), "tokenFrom is there as well, and counts", "remove one of the two")


def _warning(path: Path, message: str, remedy: str = "") -> Problem:
    return Problem(message=message, remedy=remedy, path=render(path), severity=Severity.WARNING)
