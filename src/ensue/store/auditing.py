"""Audit rows: each in the transaction of what it tells of."""

import json
from collections.abc import Mapping

from ensue.model.identity import Identity
from ensue.model.values import Json, Namespace
from ensue.store import rows
from ensue.store.statement import Sql, Statement

ADD = Sql("""
    INSERT INTO audit (namespace, at, subject, subject_groups, verb, kind, name, details)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
""")


def record(
    at: int, by: Identity, verb: str, namespace: Namespace, kind: str, name: str, details: Mapping[str, Json]
) -> Statement:
    return ADD.quietly(namespace, at, by.subject, json.dumps(by.groups), verb, kind, name, rows.dump(details))
