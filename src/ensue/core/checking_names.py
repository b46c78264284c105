"""Checks of names: of steps, that each, with those of its instances, names one thing, and of variables."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence

from ensue.core.checking_paths import Path, render
from ensue.expr import relay
from ensue.model.errors import Problem
from ensue.model.values import STEP_NAME_PATTERN
from ensue.model.workflow import ENV_NAME_PATTERN, Step

RULE = "use letters, digits, `-` and `_`, a letter or digit first, at most 63"
VARIABLE_RULE = "use letters, digits and `_`, no digit first"
_PLAIN = re.compile(STEP_NAME_PATTERN)
_VARIABLE = re.compile(ENV_NAME_PATTERN)
_SHOWN = 60
_INSTANCE = re.compile(r"(.+)\.(0|[1-9][0-9]*)")


def check(steps: Sequence[Step], paths: Sequence[Path], flavour: relay.Flavour) -> Iterator[Problem]:
    """Findings in the names of all steps of a workflow, each with its path."""
    first: dict[str, Path] = {}
    for step, path in zip(steps, paths, strict=True):
        where = render((*path, "name"))
        if not flavour.is_relay and (fault := _fault(step.name)):
            yield Problem(message=fault[0], remedy=fault[1], path=where)
        if step.name in first:
            remedy = f"rename one; the other is {render(first[step.name])}"
            yield Problem(message=f'another step is named "{step.name}"', remedy=remedy, path=where)
        first.setdefault(step.name, path)
    for name, message in _mistakable(steps):
        yield Problem(message=message, remedy="rename one of the two", path=render((*first[name], "name")))


def check_variables(names: Iterable[str], path: Path, flavour: relay.Flavour) -> Iterator[Problem]:
    """Findings in the names of variables: those of our files are names in every shell."""
    for name in () if flavour.is_relay else names:
        if not _VARIABLE.fullmatch(name):
            message = f'"{name}" is not allowed as a name here'
            yield Problem(message=message, remedy=VARIABLE_RULE, path=render((*path, name)))


def _mistakable(steps: Sequence[Step]) -> Iterator[tuple[str, str]]:
    """Names that are shown as what is something else, and of what."""
    fans = {step.name for step in steps if step.matrix is not None or step.foreach is not None}
    callers = [step.name for step in steps if step.workflow is not None]
    for name in dict.fromkeys(step.name for step in steps):
        if (found := _INSTANCE.fullmatch(name)) and found[1] in fans:
            yield name, f'"{name}" is an instance of the step "{found[1]}", which fans out'
        elif caller := next((each for each in callers if name.startswith((f"{each}/", f"{each}#"))), None):
            yield name, f'"{name}" is a step of the run that the step "{caller}" is'


def proposed(given: str) -> str:
    """What a step can be called that has a title."""
    near = re.sub(r"[^a-z0-9_-]+", "-", given.lower()).strip("-_")[:63]
    return f'write it as "{near}", also where it is referred to' if near else RULE


def _fault(name: str) -> tuple[str, str] | None:
    """What is wrong with the name of a step of our files, and what would be right."""
    if not _PLAIN.fullmatch(name):
        shown = json.dumps(name, ensure_ascii=False)
        short = shown if len(shown) <= _SHOWN else shown[: _SHOWN - 3] + '…"'
        return f"{short} is not a name", proposed(name)
    if name != name.lower():
        return f'the name "{name}" has capitals', f'write it as "{name.lower()}"'
    return None
