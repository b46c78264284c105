"""What a run that an event started may compute: images, names of workflows, URLs (`spec.allow`). Pure."""

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from ensue.expr import relay
from ensue.model.values import Json
from ensue.model.workflow import Step, Workflow

SECRET_ROOTS = frozenset({"secrets", "connections", "credentials"})
"""What the namespace keeps: no event has a say in it."""
_URLS = {"http": "url", "emit": "sink"}
"""Where a step type takes the address that it sends to."""
_ORIGIN = re.compile(r"[^/?#]*//([^/?#]*)")
_ORIGIN_PATTERN = re.compile(r"[^/]*//([^/]*)")


def refusal(workflow: Workflow, written: Step, image: str | None, inputs: Mapping[str, Json]) -> str:
    """Why a step must not run what its expressions gave in a run that an event started; empty if it may."""
    allow, flavour = workflow.spec.allow, relay.of(workflow.api_version, workflow.compat)
    if image and _is_computed(written.image, flavour) and not any(fnmatchcase(image, one) for one in allow.images):
        return sentence("image", image, "images")
    field = _URLS.get(written.kind, "")
    url = inputs.get(field)
    if not isinstance(url, str) or not _is_computed(written.with_.get(field), flavour) or is_url(url, allow.urls):
        return ""
    return sentence("URL", _shown(url), "urls")


def is_url(url: str, patterns: Sequence[str]) -> bool:
    """Whether a pattern fits. `*` reaches over slashes in the path, never from the host into it."""
    return any(fnmatchcase(url, one) and _has_origin(url, one) for one in patterns)


def sentence(what: str, value: str, patterns: str) -> str:
    return (
        f"the {what} {value} is computed in a run that an event started, and no pattern of spec.allow.{patterns}"
        " allows it"
    )


def _is_computed(text: Json, flavour: relay.Flavour) -> bool:
    whats = (finding.what for finding in relay.findings(text, flavour))
    return any(isinstance(what, relay.Mention) and what.root not in SECRET_ROOTS for what in whats)


def _has_origin(url: str, pattern: str) -> bool:
    found, wanted = _ORIGIN.match(url), _ORIGIN_PATTERN.match(pattern)
    if found is None or wanted is None:
        return True
    # What stands before an `@` is no host, however it looks.
    return fnmatchcase(found[1], wanted[1]) and ("@" in wanted[1] or "@" not in found[1])


def _shown(url: str) -> str:
    """Without user, query and fragment, where secrets stand."""
    return re.sub(r"//[^/?#]*@", "//", re.split(r"[?#]", url, maxsplit=1)[0])
