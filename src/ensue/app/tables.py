"""The tables of one database, as the ports want them."""

from dataclasses import dataclass

from ensue.store.activity import Activity
from ensue.store.approvals import ApprovalTable
from ensue.store.audit import Audit
from ensue.store.definitions import Definitions
from ensue.store.driver import Driver
from ensue.store.feed import Feed
from ensue.store.graphs import Graphs
from ensue.store.history import History
from ensue.store.levels import Levels
from ensue.store.logs import Logs
from ensue.store.migrating import Schema
from ensue.store.origins import Origins
from ensue.store.reports import ReportTable
from ensue.store.runs import Runs
from ensue.store.secrets import SealedSecrets
from ensue.store.step_states import StepStateTable
from ensue.store.tokens import TokenTable
from ensue.store.workers import Workers


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    activity: Activity
    approvals: ApprovalTable
    audit: Audit
    definitions: Definitions
    feed: Feed
    graphs: Graphs
    history: History
    levels: Levels
    logs: Logs
    origins: Origins
    reports: ReportTable
    runs: Runs
    schema: Schema
    secrets: SealedSecrets
    step_states: StepStateTable
    tokens: TokenTable
    workers: Workers


def tables_of(driver: Driver) -> Tables:
    graphs = Graphs()
    return Tables(
        activity=Activity(driver=driver),
        approvals=ApprovalTable(driver=driver, graphs=graphs),
        audit=Audit(driver=driver),
        definitions=Definitions(driver=driver, graphs=graphs),
        feed=Feed(driver=driver),
        graphs=graphs,
        history=History(driver=driver),
        levels=Levels(driver=driver),
        logs=Logs(driver=driver),
        origins=Origins(driver=driver),
        reports=ReportTable(driver=driver),
        runs=Runs(driver=driver, graphs=graphs),
        schema=Schema(driver=driver),
        secrets=SealedSecrets(driver=driver),
        step_states=StepStateTable(driver=driver),
        tokens=TokenTable(driver=driver),
        workers=Workers(driver=driver, graphs=graphs),
    )
