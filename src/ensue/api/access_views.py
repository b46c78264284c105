"""Identities, tokens and audit rows as the JSON of the API. Pure."""

from typing import Any

from ensue.api import views
from ensue.core.permitting import SCOPE
from ensue.model.definition import NATIVE_GROUP
from ensue.model.identity import Identity, Right
from ensue.model.token import Token
from ensue.operations.audit import Report
from ensue.ports.access import AuditEntry

View = dict[str, Any]


def identity(identity: Identity, csrf_token: str | None) -> View:
    """Who asks; `csrf_token` is that of a browser's session."""
    status = {
        "permissions": [_right(right) for right in identity.rights],
        "token": identity.token or None,
        "csrfToken": csrf_token,
    }
    return {
        "apiVersion": NATIVE_GROUP,
        "kind": "Identity",
        "metadata": {"name": identity.subject},
        "spec": _whom(identity),
        "status": {key: value for key, value in status.items() if value is not None},
    }


def token(token: Token, secret: str | None = None) -> View:
    """A token; with its secret once, when it was made."""
    status = {
        "createdBy": token.created_by,
        "expirationTime": views.moment(token.expires_at),
        "token": secret,
    }
    return {
        "apiVersion": NATIVE_GROUP,
        "kind": "Token",
        "metadata": {"name": token.id, "creationTimestamp": views.moment(token.created_at)},
        "spec": _whom(token.identity) | ({"description": token.description} if token.description else {}),
        "status": {key: value for key, value in status.items() if value is not None},
    }


def audit_entry(entry: AuditEntry) -> View:
    details = dict(entry.details)
    is_refused = bool(details.pop("isRefused", False))
    return {
        "apiVersion": NATIVE_GROUP,
        "kind": "AuditEntry",
        "metadata": {"name": str(entry.seq), "namespace": entry.namespace, "creationTimestamp": views.moment(entry.at)},
        "spec": {
            "subject": entry.by.subject,
            "groups": list(entry.by.groups),
            "verb": entry.verb,
            "objectRef": {"kind": entry.kind, "name": entry.name},
            "details": details,
        },
        "status": {"outcome": "Refused" if is_refused else "Done", "position": entry.position},
    }


def report(report: Report) -> View:
    return {
        "isIntact": not report.faults,
        "faults": list(report.faults),
        "rows": report.count,
        "start": report.start.position,
        "head": str(report.head),
        "unsealed": report.unsealed,
    }


def _whom(identity: Identity) -> View:
    return {
        "subject": identity.subject,
        "groups": [group for group in identity.groups if not group.startswith(SCOPE)],
        "scopes": [group.removeprefix(SCOPE) for group in identity.groups if group.startswith(SCOPE)],
    }


def _right(right: Right) -> View:
    return {
        "name": right.name,
        "methods": list(right.methods),
        "resources": list(right.resources),
        "namespaces": list(right.namespaces),
        "effect": "Deny" if right.is_denial else "Allow",
    }
