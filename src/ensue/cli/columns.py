"""The columns of lists, by the plural of the kind."""

from collections.abc import Callable, Mapping
from typing import Any

from ensue.cli import step_table, tables
from ensue.cli.printing import Column

View = dict[str, Any]


def _of_metadata(key: str) -> Callable[[View], str]:
    return lambda item: str(item["metadata"].get(key, ""))


def _of_status(key: str) -> Callable[[View], str]:
    return lambda item: str(item["status"].get(key, ""))


def _of_spec(key: str) -> Callable[[View], str]:
    return lambda item: str(item["spec"].get(key, ""))


def _source(source: View) -> str:
    return f"Source/{source['ref']}" if source.get("ref") else str(source.get("type", ""))


def _defined(file: View) -> str:
    return ",".join(f"{each['kind']}/{each['name']}" for each in file["status"]["defines"])


def _problem(item: View) -> str:
    """Why a part of it does nothing."""
    return "; ".join(_told(each) for each in item["status"].get("problems", ()))


def _told(problem: View) -> str:
    return f"{problem['message']} ({problem['remedy']})" if problem.get("remedy") else str(problem["message"])


def _states(item: View) -> str:
    """Of what is at work of it."""
    return ",".join(dict.fromkeys(each["state"] for each in item["status"].get("sources", ())))


def _addresses(item: View) -> str:
    """Where requests come in."""
    return ",".join(item["status"].get("addresses", ()))


def _next(item: View) -> str:
    times = [each["nextTime"] for each in item["status"].get("sources", ()) if each["nextTime"]]
    return f"in {tables.until(min(times))}" if times else ""


def _approved(item: View) -> str:
    return ",".join(each["subject"] for each in item["status"]["answers"] if each["isApproval"])


def _expiry(item: View) -> str:
    at = item["spec"]["expirationTime"]
    return f"in {tables.until(at)}" if at and item["status"]["state"] == "Waiting" else ""


NAME = Column(title="NAME", cell=_of_metadata("name"))
NAMESPACE = Column(title="NAMESPACE", cell=_of_metadata("namespace"))
AGE = Column(title="AGE", cell=lambda item: tables.age(item["metadata"]["creationTimestamp"]), least=len("23h59m"))
LABELS = Column(
    title="LABELS",
    cell=lambda item: ",".join(f"{key}={value}" for key, value in item["metadata"].get("labels", {}).items()),
    is_wide=True,
)
PROBLEM = Column(title="PROBLEM", cell=_problem)
ADDRESS = Column(title="ADDRESS", cell=_addresses, is_wide=True)
MANAGEMENT = (
    Column(title="MANAGER", cell=_of_status("manager"), is_wide=True),
    Column(title="FILE", cell=_of_status("file"), is_wide=True),
)
COLUMNS: Mapping[str, tuple[Column, ...]] = {
    "runs": (
        NAME,
        Column(title="WORKFLOW", cell=step_table.what),
        Column(title="STATE", cell=lambda run: step_table.state(run["status"]), least=len("Succeeded")),
        AGE,
        Column(
            title="DURATION",
            cell=lambda run: tables.age(run["status"].get("startTime"), run["status"].get("completionTime")),
        ),
        Column(title="STARTED-BY", cell=_of_status("startedBy"), is_wide=True),
        LABELS,
        Column(title="MESSAGE", cell=lambda run: " ".join(run["status"]["message"].split()), is_wide=True),
        Column(title="UID", cell=_of_metadata("uid"), is_wide=True),
    ),
    "workflows": (
        NAME,
        Column(title="STEPS", cell=lambda workflow: str(len(workflow["spec"]["steps"]))),
        Column(title="GENERATION", cell=_of_metadata("generation")),
        AGE,
        PROBLEM,
        *MANAGEMENT,
        LABELS,
        Column(title="HASH", cell=lambda workflow: str(workflow["status"]["hash"][:12]), is_wide=True),
        Column(title="DESCRIPTION", cell=lambda workflow: str(workflow["spec"].get("description", "")), is_wide=True),
    ),
    "triggers": (
        NAME,
        Column(title="ENABLED", cell=lambda trigger: "yes" if trigger["spec"].get("enabled", True) else "no"),
        Column(title="SOURCES", cell=lambda trigger: ",".join(_source(each) for each in trigger["spec"]["sources"])),
        Column(title="GENERATION", cell=_of_metadata("generation")),
        AGE,
        PROBLEM,
        ADDRESS,
        *MANAGEMENT,
        LABELS,
        Column(title="DESCRIPTION", cell=lambda trigger: str(trigger["spec"].get("description", "")), is_wide=True),
    ),
    "sources": (
        NAME,
        Column(title="TYPE", cell=lambda source: str(source["spec"]["type"])),
        Column(title="ENABLED", cell=lambda source: "yes" if source["spec"].get("enabled", True) else "no"),
        Column(title="STATE", cell=_states),
        Column(title="NEXT", cell=_next),
        Column(title="GENERATION", cell=_of_metadata("generation")),
        AGE,
        PROBLEM,
        ADDRESS,
        *MANAGEMENT,
        LABELS,
    ),
    "permissions": (
        NAME,
        Column(title="EFFECT", cell=lambda item: str(item["spec"].get("effect", "Allow"))),
        Column(title="SUBJECTS", cell=lambda item: ",".join(item["spec"]["subjects"])),
        Column(title="METHODS", cell=lambda item: ",".join(item["spec"]["methods"])),
        Column(title="RESOURCES", cell=lambda item: ",".join(item["spec"]["resources"])),
        Column(title="NAMESPACES", cell=lambda item: ",".join(item["spec"].get("namespaces", ())) or "(its own)"),
        AGE,
        Column(title="MANAGER", cell=_of_status("manager"), is_wide=True),
        Column(title="DESCRIPTION", cell=lambda item: str(item["spec"].get("description", "")), is_wide=True),
    ),
    "events": (
        NAME,
        Column(title="TYPE", cell=_of_spec("type")),
        Column(title="SUBJECT", cell=_of_spec("subject")),
        Column(title="SOURCE", cell=_of_spec("source")),
        AGE,
        Column(title="ID", cell=_of_spec("id"), is_wide=True),
        Column(title="BY-WAY-OF", cell=_of_status("source"), is_wide=True),
    ),
    "approvals": (
        NAME,
        Column(title="RUN", cell=lambda item: str(item["spec"]["runRef"]["name"])),
        Column(title="STEP", cell=_of_spec("step")),
        Column(title="STATE", cell=lambda item: item["status"]["outcome"] or item["status"]["state"]),
        Column(title="APPROVED BY", cell=_approved),
        AGE,
        Column(title="EXPIRES", cell=_expiry),
        Column(title="MESSAGE", cell=_of_spec("message")),
    ),
    "files": (
        NAME,
        Column(title="DEFINES", cell=_defined),
        PROBLEM,
    ),
    "workers": (
        NAME,
        Column(title="HOST", cell=_of_status("host")),
        Column(title="ENGINES", cell=lambda worker: ",".join(worker["status"]["engines"])),
        Column(title="SEEN", cell=lambda worker: tables.age(worker["status"].get("seenTime"))),
        Column(title="VERSION", cell=_of_status("version")),
        Column(title="PID", cell=_of_status("pid"), is_wide=True),
        LABELS,
    ),
}
