"""Approvals as the JSON of the API. Pure."""

from typing import Any

from ensue.api import views
from ensue.model.approval import Answer, Approval
from ensue.model.definition import NATIVE_GROUP


def approval(found: Approval) -> dict[str, Any]:
    return {
        "apiVersion": NATIVE_GROUP,
        "kind": "Approval",
        "metadata": {
            "name": found.id,
            "namespace": found.key.namespace,
            "uid": f"{found.key.run}/{found.key.title}",
            "labels": {},
            "creationTimestamp": views.moment(found.asked_at),
        },
        "spec": {
            "runRef": {"name": found.run_name},
            "step": found.key.title,
            "message": found.message,
            "expirationTime": views.moment(found.expires_at),
        },
        "status": {
            "state": "Closed" if found.closed_at else "Waiting",
            "outcome": found.outcome.value,
            "completionTime": views.moment(found.closed_at),
            "answers": [_answer(each) for each in found.answers],
        },
    }


def _answer(given: Answer) -> dict[str, Any]:
    return {
        "subject": given.by.subject,
        "isApproval": given.is_approval,
        "reason": given.reason,
        "form": dict(given.form),
        "time": views.moment(given.at),
    }
