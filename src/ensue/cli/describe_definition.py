"""A definition for people: where it comes from, what is wrong with it, what it says."""

from collections.abc import Iterator
from typing import Any

from ensue.cli import objects, tables

View = dict[str, Any]


def render(found: View) -> str:
    parts = [_fields(found)]
    if problems := found["status"].get("problems"):
        parts.append("Problems:\n" + "\n".join(f"  {line}" for each in problems for line in _problem(each)))
    said = objects.yaml_text(found["spec"]).rstrip("\n")
    parts.append("Spec:\n" + "\n".join(f"  {line}" for line in said.splitlines()))
    return "\n\n".join(parts)


def _fields(found: View) -> str:
    metadata, status = found["metadata"], found["status"]
    file = status.get("file", "")
    fields = {
        "Name": metadata["name"],
        "Kind": found["kind"],
        "Namespace": metadata["namespace"],
        "UID": metadata["uid"],
        "Generation": f"{metadata['generation']} ({status['hash'][:12]})",
        "Managed by": f"{status['manager']} ({file})" if status["manager"] == "file" and file else status["manager"],
        "Also in": file if status["manager"] != "file" else "",
        "Applied by": status["appliedBy"],
        "Created": metadata["creationTimestamp"],
        "Changed": f"{status['updateTime']} ({tables.age(status['updateTime'])} ago)",
        "Labels": _pairs(metadata.get("labels", {})),
        "Annotations": _pairs(metadata.get("annotations", {})),
        "Address": ", ".join(status.get("addresses", ())),
        "Says": found["spec"].get("description", ""),
    }
    return "\n".join(f"{title + ':':<12} {value}" for title, value in fields.items() if value)


def _pairs(given: dict[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in given.items())


def _problem(found: View) -> Iterator[str]:
    place = ":".join(str(found[key]) for key in ("file", "line", "column") if key in found)
    yield ": ".join(part for part in (place, found.get("path", ""), found["message"]) if part)
    if remedy := found.get("remedy"):
        yield f"  {remedy}"
