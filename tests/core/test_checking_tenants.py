"""Documents of relay's operator: what means nothing here is named."""

# ruff: noqa: E501 (a table)

import pytest

from ensue import files

TENANT = "apiVersion: relay.sh/v1beta1\nkind: Tenant\nmetadata: {name: t}\nspec:"
SINK = TENANT + "\n  triggerEventSink:\n    api: "
RUN = "apiVersion: relay.sh/v1beta1\nkind: Run\nmetadata:\n  name: r\n  annotations:\n    "
HOOK = "apiVersion: relay.sh/v1beta1\nkind: WebhookTrigger\nmetadata:\n  name: h\n  annotations:\n    relay.sh/vault-engine-mount: customers\nspec: {tenantRef: {name: t}, image: x}\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (TENANT + " {}\n", []),
        (SINK + "{url: 'http://x/', token: a}\n", []),
        (SINK + "{url: 'http://x/', tokenFrom: {secretKeyRef: {name: a, key: b}}}\n", []),
        (SINK + "{url: ''}\n", [(6, "spec.triggerEventSink.api.url", "must not be empty", "")]),
        (SINK + "{token: a}\n", [(6, "spec.triggerEventSink.api.url", '"url" is required', "")]),
        (SINK + "{url: 'http://x/', token: a, tokenFrom: {secretKeyRef: {name: a, key: b}}}\n", [(6, "spec.triggerEventSink.api.token", "tokenFrom is there as well, and counts", "remove one of the two")]),
        (TENANT + "\n  workflowExecutionSink: {api: {url: 'http://x/'}}\n", [(5, "spec.workflowExecutionSink", "workflows that steps start are started here; nothing is sent to this sink", "remove it")]),
        (TENANT + "\n  namespaceTemplate: {metadata: {name: a}}\n", [(5, "spec.namespaceTemplate", "no Kubernetes namespace is made here: the tenant's steps run where those of its namespace do", "")]),
        (TENANT + "\n  toolInjection: {volumeClaimTemplate: {spec: {}}}\n", [(5, "spec.toolInjection", "steps need no tools in their images here", "remove it")]),
        (RUN + "relay.sh/domain-id: a\nspec: {workflowRef: {name: w}}\n", []),
        (RUN + "relay.sh/vault-secret-path: workflows/w\nspec: {workflowRef: {name: w}}\n", [(6, 'metadata.annotations["relay.sh/vault-secret-path"]', "definitions do not say where in the vault secrets are", "set ENSUE_VAULT_SECRET_PATHS")]),
        (RUN + "relay.sh/vault-connection-path: c/d\nspec: {workflowRef: {name: w}}\n", [(6, 'metadata.annotations["relay.sh/vault-connection-path"]', "definitions do not say where in the vault secrets are", "set ENSUE_VAULT_CONNECTION_PATH")]),
        (HOOK, [(6, 'metadata.annotations["relay.sh/vault-engine-mount"]', "definitions do not say where in the vault secrets are", "set ENSUE_VAULT_MOUNT")]),
    ],
)  # fmt: skip
def test_what_is_not_used_is_named_with_what_counts_instead(
    text: str, expected: list[tuple[int, str, str, str]]
) -> None:
    [document] = files.read(text, "f.yaml")
    found = [(problem.line, problem.path, problem.message, problem.remedy) for problem in document.problems]
    assert found == expected
