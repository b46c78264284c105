"""What operations work with, wired once by `app`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ensue.core.checking import Known
from ensue.model.identity import Identity
from ensue.model.run import Run, StepRun
from ensue.ports.access import Access, AuditLog, Tokens
from ensue.ports.activity import Activity
from ensue.ports.approvals import Approvals
from ensue.ports.clock import Clock
from ensue.ports.intake import Decisions, Intake
from ensue.ports.levels import Levels
from ensue.ports.origins import Origins
from ensue.ports.pulling import Pulling
from ensue.ports.reports import Reports
from ensue.ports.schema import Schema
from ensue.ports.secrets import SealedSecrets, Vault
from ensue.ports.step_states import StepStates
from ensue.ports.storage import Storage
from ensue.ports.store import Definitions, Feed, History, Logs, Runs, Started, Workers
from ensue.ports.wakeup import Wakeup
from ensue.runtime.patience import Rounds
from ensue.runtime.rejecting import Rejections
from ensue.runtime.telemetry import Telemetry


class Starting(Protocol):
    """How a run comes to be: through the runner of this process, or the store alone."""

    async def start(self, run: Run, by: Identity, reused: Sequence[StepRun] = ()) -> Started: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    access: Access
    activity: Activity
    approvals: Approvals
    audit: AuditLog
    clock: Clock
    counted: Telemetry
    decisions: Decisions
    definitions: Definitions
    feed: Feed
    history: History
    intake: Intake
    keeps_secrets_elsewhere: bool
    """Whether the table alone does not tell which secrets there are."""
    known: Known
    levels: Levels
    logs: Logs
    pulling: Pulling
    origins: Origins
    rounds: Rounds
    """How the loops of this process went round last, by what they do."""
    rejections: Rejections
    reports: Reports
    runs: Runs
    schema: Schema
    secrets: SealedSecrets
    starting: Starting
    step_states: StepStates
    storage: Storage
    tokens: Tokens
    vault: Vault
    wakeup: Wakeup
    workers: Workers
