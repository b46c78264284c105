"""Documents of relay that are written otherwise than ours: the definitions that they stand for, and where each part
of those is in the file."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ensue.core.checking_paths import render
from ensue.expr import spelling
from ensue.files import complaints, keys
from ensue.files.marks import Path
from ensue.model.errors import Problem, Severity
from ensue.model.kinds import RELAY
from ensue.model.values import Json
from ensue.model.workflow import ParameterType

ADDRESS = re.compile(r"https?://", re.IGNORECASE)
AUTHORING = "v1"
"""The apiVersion of relay's workflow files; `kind` may be left out, and so may it."""
BELONGS = "relay.sh/workflow"
"""The label of a trigger of such a file: its workflow, without which it is not."""
_STEPS = (("spec", "steps"), ("spec", "finally"))
Object = dict[str, Json]
Script = Callable[[str], str]
"""The text of the file that an `inputFile` names. Raises OSError, ValueError."""


@dataclass(frozen=True, slots=True)
class Part:
    """One definition of those that a document stands for."""

    value: Json
    renamed: dict[Path, Path] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    """With paths as the file has them."""
    keys: Mapping[Path, tuple[str, ...]] = field(default_factory=dict)
    """Those that the file may have where its keys are not those of the definition, by the path of the definition."""


def is_kept(path: Path) -> bool:
    """Whether relay's files may say it although nobody reads it: their `locals`, and the description of a step."""
    return path == ("spec", "locals") or (path[:-2] in _STEPS and path[-1] == "description")


def is_authoring(version: object, kind: object, has_steps: bool) -> bool:
    """Whether a mapping with these is a workflow file of relay."""
    if version is None and kind is None:
        return has_steps
    return version == AUTHORING and kind in (None, "Workflow")


def translate(value: Json, name: str, script: Script) -> tuple[Part, ...]:
    """What a document of relay's stands for; `name` is the workflow's, where the file has none."""
    if not isinstance(value, dict):
        return (Part(value),)
    if is_authoring(value.get("apiVersion"), value.get("kind"), isinstance(value.get("steps"), list)):
        from ensue.files import authoring

        return authoring.translate(value, name, script)
    if value.get("apiVersion") == RELAY and value.get("kind") == "WebhookTrigger":
        from ensue.files import authoring_triggers

        return (authoring_triggers.of_resource(value),)
    return (Part(value),)


class Findings:
    """The problems of one document, by the paths of the file."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def add(self, path: Path, message: str, remedy: str = "", severity: Severity = Severity.ERROR) -> None:
        self.problems.append(Problem(message=message, remedy=remedy, path=render(path), severity=severity))

    def unknown(self, path: Path, known: Sequence[str]) -> None:
        """A key that means nothing here."""
        self.add(path, f'unknown key "{path[-1]}"', keys.meant(str(path[-1]), known), Severity.WARNING)

    def knows_type(self, owner: Mapping[str, Json], path: Path) -> bool:
        """Whether the `type` of a value is one that is checked; none is checked as any."""
        kind = owner.get("type")
        if kind in (None, "", *ParameterType):
            return True
        shown, remedy = json.dumps(kind, ensure_ascii=False), spelling.did_you_mean(str(kind), ParameterType)
        remedy = remedy or f"one of {', '.join(ParameterType)}"
        self.add((*path, "type"), f"{shown} is no type that is known, and not checked", remedy, Severity.WARNING)
        return False

    def require(self, owner: Mapping[str, Json], key: str, path: Path) -> str:
        """A text that must be there, or an empty one."""
        if key not in owner:
            self.add(path, f'"{key}" is required')
            return ""
        return self.text(owner, key, path)

    def text(self, owner: Mapping[str, Json], key: str, path: Path) -> str:
        """A text that may be there."""
        value = owner.get(key)
        if isinstance(value, str) and value:
            return value
        if key in owner:
            self.add((*path, key), "must not be empty" if value == "" else f"must be a string, not {_noun(value)}")
        return ""

    def mapping(self, owner: Mapping[str, Json], key: str, path: Path) -> Object:
        """A mapping that may be there."""
        value = owner.get(key)
        if isinstance(value, dict):
            return dict(value)
        if value is not None:
            self.add((*path, key), f"must be a mapping, not {_noun(value)}")
        return {}

    def objects(self, owner: Mapping[str, Json], key: str, path: Path) -> Iterator[tuple[Path, Object]]:
        """The mappings of a list that may be there, with their paths."""
        value = owner.get(key)
        if value is not None and not isinstance(value, list):
            self.add((*path, key), f"must be a list, not {_noun(value)}")
            return
        for index, item in enumerate(value or ()):
            if isinstance(item, dict):
                yield (*path, key, index), dict(item)
            else:
                self.add((*path, key, index), f"must be a mapping, not {_noun(item)}")


def with_findings(part: Part, findings: Findings) -> Part:
    return replace(part, problems=(*part.problems, *findings.problems))


_noun = complaints.noun
