"""Who may do what. Default deny; for now the groups `admin` and `system` may do everything."""

from ensue.model.errors import Denied
from ensue.model.identity import Identity
from ensue.model.values import Namespace

ALLOWED_GROUPS = frozenset({"admin", "system"})


def require(identity: Identity, verb: str, kind: str, namespace: Namespace | None) -> None:
    """Raises Denied."""
    if ALLOWED_GROUPS.isdisjoint(identity.groups):
        where = f" in namespace {namespace}" if namespace else ""
        raise Denied(f"{identity.subject} may not {verb} {kind}{where}")
