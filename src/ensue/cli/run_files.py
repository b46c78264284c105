"""Runs that files ask for: started on the server, once however often the file is applied, and told their state."""

from typing import TYPE_CHECKING

from ensue.files.documents import Document
from ensue.model.errors import Conflict
from ensue.model.run_definition import RunDefinition

if TYPE_CHECKING:
    from ensue.cli.printing import View
    from ensue.clients.server import Server


def start(server: "Server", document: Document, namespace: str) -> "View":
    """The run, started now or before, after it was told what the file says. Raises Conflict when a run of that name
    was started with something else, or the file wishes another run's trigger."""
    definition = document.definition
    assert isinstance(definition, RunDefinition)
    metadata, spec = definition.metadata, definition.spec
    if spec.workflow_ref is None:
        raise Conflict(f"{document.title}: a run of a trigger's actions is started by its events")
    place = namespace or metadata.namespace
    body = {
        "name": metadata.name,
        "workflow": spec.workflow_ref.name,
        "parameters": dict(spec.parameters),
        "labels": dict(metadata.labels),
    }
    run = server.start(place, body, key=f"Run/{metadata.name}")
    if "completionTime" in run["status"]:
        return run
    for step, state in spec.state.steps.items():
        server.tell(place, run["metadata"]["name"], step, dict(state))
    if spec.state.workflow.get("cancel") is True:
        return server.act(place, run["metadata"]["name"], "cancel")
    return run
