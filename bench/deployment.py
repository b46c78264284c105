"""A Kubernetes Deployment of some 4 KB, as a watch delivers it."""

from typing import Any

NAME = "this-will-be-watched"
LABELS = {"app": "web", "tier": "frontend", "version": "v1.42.0", "app.kubernetes.io/managed-by": "ensue"}


def deployment() -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": NAME,
            "namespace": "production",
            "uid": "6f6a3c0e-8f5e-4e6f-9a53-0d6d3f0f1b2c",
            "resourceVersion": "184467",
            "generation": 7,
            "creationTimestamp": "2026-02-03T04:05:06Z",
            "labels": LABELS,
            "annotations": {"deployment.kubernetes.io/revision": "7", "example.com/owner": "team-web@example.com"},
            "managedFields": [_managed("kubectl-client-side-apply"), _managed("kube-controller-manager")],
        },
        "spec": {
            "replicas": 3,
            "revisionHistoryLimit": 10,
            "progressDeadlineSeconds": 600,
            "selector": {"matchLabels": {"app": "web", "tier": "frontend"}},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
            "template": {
                "metadata": {"labels": LABELS, "annotations": {"prometheus.io/scrape": "true"}},
                "spec": {
                    "restartPolicy": "Always",
                    "serviceAccountName": "web",
                    "terminationGracePeriodSeconds": 30,
                    "containers": [_container("web", "512Mi", 8080), _container("proxy", "128Mi", 9090)],
                },
            },
        },
        "status": {
            "observedGeneration": 7,
            "replicas": 3,
            "updatedReplicas": 3,
            "readyReplicas": 3,
            "availableReplicas": 3,
            "conditions": [
                _condition("Available", "MinimumReplicasAvailable"),
                _condition("Progressing", "NewReplicaSetAvailable"),
            ],
        },
    }


def _managed(manager: str) -> dict[str, Any]:
    return {
        "manager": manager,
        "operation": "Update",
        "apiVersion": "apps/v1",
        "time": "2026-02-03T04:05:06Z",
        "fieldsType": "FieldsV1",
        "fieldsV1": {
            "f:metadata": {"f:annotations": {".": {}, "f:example.com/owner": {}}, "f:labels": {".": {}, "f:app": {}}},
            "f:spec": {"f:replicas": {}, "f:selector": {}, "f:strategy": {"f:type": {}}, "f:template": {"f:spec": {}}},
        },
    }


def _container(name: str, memory: str, port: int) -> dict[str, Any]:
    return {
        "name": name,
        "image": f"registry.example.com/{name}:v1.42.0",
        "imagePullPolicy": "IfNotPresent",
        "ports": [{"name": "http", "containerPort": port, "protocol": "TCP"}],
        "env": [{"name": f"SETTING_{number}", "value": f"value-{number}"} for number in range(3)],
        "resources": {"limits": {"cpu": "500m", "memory": memory}, "requests": {"cpu": "100m", "memory": memory}},
        "livenessProbe": {"httpGet": {"path": "/healthz", "port": "http"}, "periodSeconds": 10, "timeoutSeconds": 1},
        "securityContext": {"allowPrivilegeEscalation": False, "runAsNonRoot": True},
        "terminationMessagePath": "/dev/termination-log",
    }


def _condition(kind: str, reason: str) -> dict[str, Any]:
    return {
        "type": kind,
        "status": "True",
        "reason": reason,
        "message": f"the deployment is {kind.lower()}",
        "lastUpdateTime": "2026-02-03T04:05:06Z",
        "lastTransitionTime": "2026-02-03T04:05:06Z",
    }
