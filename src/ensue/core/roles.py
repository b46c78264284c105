"""The verbs that operations have, and which of the built-in roles may use each. Pure.

Whatever is not here is a server admin's alone; a test fails when an operation asks for it.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from ensue.model.kinds import KINDS


class Role(StrEnum):
    VIEWER = "viewer"
    RUNNER = "runner"
    APPROVER = "approver"
    EDITOR = "editor"
    ADMIN = "admin"


Verbs = Mapping[str, frozenset[Role]]

SEES: Final = frozenset(Role)
RUNS: Final = frozenset({Role.RUNNER, Role.EDITOR, Role.ADMIN})
DECIDES: Final = frozenset({Role.APPROVER, Role.ADMIN})
EDITS: Final = frozenset({Role.EDITOR, Role.ADMIN})
OWNS: Final = frozenset({Role.ADMIN})

READ: Final[Verbs] = {"get": SEES, "list": SEES}
DEFINITION: Final[Verbs] = {**READ, "apply": EDITS, "delete": EDITS}

VERBS: Final[Mapping[str, Verbs]] = {
    **dict.fromkeys(KINDS, DEFINITION),
    "Trigger": {**DEFINITION, "push": RUNS},
    "Run": {**READ, **dict.fromkeys(("start", "cancel", "pause", "resume", "rerun", "set-state"), RUNS)},
    "Event": {**READ, "create": RUNS, "replay": RUNS},
    "Approval": {**READ, "approve": DECIDES, "reject": DECIDES},
    "Worker": READ,
    "Metrics": {"get": SEES},
    "File": {"list": SEES},
    "Secret": {"list": EDITS, "set": EDITS, "delete": EDITS, "rotate": OWNS},
    "Permission": {"get": OWNS, "list": OWNS, "apply": OWNS, "delete": OWNS},
    "Token": {"create": OWNS, "list": OWNS, "delete": OWNS},
    "Audit": {"list": OWNS, "verify": OWNS},
}
ALL_VERBS: Final = frozenset(verb for verbs in VERBS.values() for verb in verbs)
NOT_FOR_GIVING: Final[Mapping[str, frozenset[str]]] = {
    "Permission": frozenset({"apply", "delete"}),
    "Token": frozenset({"create", "delete"}),
}
"""What no permission can allow, a role alone: who has these could give themselves everything else."""


def may(role: Role, verb: str, kind: str) -> bool:
    """Whether the role includes it, where it holds. Of what nobody has entered, an admin has all."""
    return role in VERBS.get(kind, {}).get(verb, OWNS)


def least(verb: str, kind: str) -> Role:
    """The role to ask for."""
    return next(role for role in Role if may(role, verb, kind))
