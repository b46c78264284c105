"""The tables that a database has, as it says itself."""

import graphlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ensue.store.dialects import Dialect
from ensue.store.statement import Sql, Transaction

NAMES: Final[Mapping[Dialect, Sql]] = {
    "sqlite": Sql(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND substr(name, 1, 7) <> 'sqlite_' ORDER BY name"
    ),
    "postgres": Sql(
        "SELECT relname::text FROM pg_class WHERE relkind IN ('r', 'p') "
        "AND relnamespace = current_schema()::regnamespace ORDER BY relname"
    ),
}
# Name, place in the primary key (0: none), whether the database numbers it.
COLUMNS: Final[Mapping[Dialect, Sql]] = {
    "sqlite": Sql(
        "SELECT c.name, c.pk, CASE WHEN c.pk = 1 AND t.sql LIKE '%AUTOINCREMENT%' THEN 1 ELSE 0 END "
        "FROM sqlite_master t, pragma_table_info(t.name) c WHERE t.type = 'table' AND t.name = $1 ORDER BY c.cid"
    ),
    "postgres": Sql(
        "SELECT a.attname::text, coalesce(array_position(i.indkey::int2[], a.attnum) + 1, 0), "
        "(a.attidentity <> '')::int FROM pg_attribute a "
        "LEFT JOIN pg_index i ON i.indrelid = a.attrelid AND i.indisprimary "
        "WHERE a.attrelid = to_regclass(quote_ident(current_schema()) || '.' || quote_ident($1)) "
        "AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"
    ),
}
# Who refers to whom.
REFERENCES: Final[Mapping[Dialect, Sql]] = {
    "sqlite": Sql(
        "SELECT t.name, f.\"table\" FROM sqlite_master t, pragma_foreign_key_list(t.name) f WHERE t.type = 'table'"
    ),
    "postgres": Sql(
        "SELECT t.relname::text, f.relname::text FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid "
        "JOIN pg_class f ON f.oid = c.confrelid WHERE c.contype = 'f' "
        "AND c.connamespace = current_schema()::regnamespace"
    ),
}


LAST_NUMBER: Final[Mapping[Dialect, Sql]] = {
    "sqlite": Sql("SELECT seq FROM sqlite_sequence WHERE name = $1"),
    "postgres": Sql("SELECT pg_sequence_last_value(pg_get_serial_sequence($1, $2)::regclass)"),
}
FORGET_NUMBER: Final = Sql("DELETE FROM sqlite_sequence WHERE name = $1")
SET_NUMBER: Final[Mapping[Dialect, Sql]] = {
    "sqlite": Sql("INSERT INTO sqlite_sequence (name, seq) VALUES ($1, $2)"),
    "postgres": Sql("SELECT setval(pg_get_serial_sequence($1, $2), $3)"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    serial: str
    """The column that the database numbers; empty if none."""


def names(dialect: Dialect) -> Transaction[tuple[str, ...]]:
    rows = yield NAMES[dialect]()
    return tuple(row[0] for row in rows)


def tables(dialect: Dialect) -> Transaction[tuple[Table, ...]]:
    """All tables; one that refers to others comes after them."""
    found: dict[str, Table] = {}
    for name in (yield from names(dialect)):
        columns = yield COLUMNS[dialect](name)
        found[name] = Table(
            name=name,
            columns=tuple(column for column, _, _ in columns),
            key=tuple(column for column, place, _ in sorted(columns, key=lambda row: row[1]) if place),
            serial="".join(column for column, _, is_serial in columns if is_serial),
        )
    references = yield REFERENCES[dialect]()
    targets: dict[str, set[str]] = {name: set() for name in found}
    for name, target in references:
        targets[name] |= {target} - {name}
    return tuple(found[name] for name in graphlib.TopologicalSorter(targets).static_order())


def last_number(dialect: Dialect, table: Table) -> Transaction[int]:
    """The last number that the database gave out in the table, also when its row is gone; 0 if none."""
    if not table.serial:
        return 0
    place = (table.name,) if dialect == "sqlite" else (table.name, table.serial)
    rows = yield LAST_NUMBER[dialect](*place)
    return (rows[0][0] or 0) if rows else 0


def continue_after(dialect: Dialect, table: Table, last: int) -> Transaction[None]:
    """Numbers that were given out once are not given out again."""
    if dialect == "sqlite":
        yield FORGET_NUMBER(table.name)
        yield SET_NUMBER[dialect](table.name, last)
    else:
        yield SET_NUMBER[dialect](table.name, table.serial, last)
