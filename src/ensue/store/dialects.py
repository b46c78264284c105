"""What SQLite and PostgreSQL spell differently: markers in SQL text and what stands for them."""

import re
from typing import Literal

Dialect = Literal["sqlite", "postgres"]

# Marker: (SQLite, PostgreSQL). `#` stands for the number after the colon, as in `{in_list:1}`.
MARKERS: dict[str, tuple[str, str]] = {
    "for_update": ("", "FOR UPDATE"),
    # The store's clock in microseconds, where a round trip of its own for NOW is saved.
    "clock": ("ensue_now()", "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"),
    "for_share": ("", "FOR SHARE"),
    "skip_locked": ("", "FOR UPDATE SKIP LOCKED"),
    "in_list": ("(SELECT value FROM json_each($#))", "(SELECT value FROM json_array_elements_text($#::json))"),
    "in_ints": ("(SELECT value FROM json_each($#))", "(SELECT value::bigint FROM json_array_elements_text($#::json))"),
    "each": ("json_each($#)", "json_array_elements_text($#::json)"),
    # SQLite commits one at a time, so its row ids are in commit order. Arguments 1 and 2 are the cursor.
    "commit_order": ("seq", "xid, seq"),
    "latest_first": ("seq DESC", "xid DESC, seq DESC"),
    "cursor": ("$2", "$1::xid8, $2"),
    # Until the commit PostgreSQL counts rows alone: for their pages' sake it would rather walk past a million of them.
    "count_rows": (
        "SELECT 1",
        "SELECT set_config('seq_page_cost', '0', true), set_config('random_page_cost', '0', true)",
    ),
    # Keeps SQLite, which counts no rows, from an index on this column.
    "loosely": ("+", ""),
    # What is below may be read; what is above comes later.
    "horizon": (
        "SELECT 0, coalesce(max(seq), 0) FROM events",
        "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint - 1, 9223372036854775807",
    ),
    "settled": ("1 = 1", "xid < pg_snapshot_xmin(pg_current_snapshot())"),
    "greatest": ("max", "greatest"),
    "least": ("min", "least"),
    "big": ("INTEGER", "BIGINT"),
    "blob": ("BLOB", "BYTEA"),
    # Keys sort by code point on both.
    "text": ("TEXT", 'TEXT COLLATE "C"'),
    "serial_key": (
        "INTEGER PRIMARY KEY AUTOINCREMENT",
        "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
    ),
    "xid_column": ("xid BIGINT NOT NULL DEFAULT 0", "xid xid8 NOT NULL DEFAULT pg_current_xact_id()"),
    "without_rowid": ("WITHOUT ROWID", ""),
    "try_migration_lock": ("1", "pg_try_advisory_xact_lock(7308891013)"),
    "overriding": ("", "OVERRIDING SYSTEM VALUE"),
    "fillfactor": ("", "WITH (fillfactor = #)"),
}

_MARKER = re.compile(r"\{([a-z_]+)(?::(\d+))?\}")


def fill(text: str, dialect: Dialect) -> str:
    """Replace the markers; braces that hold no marker, as in '{}', stay."""

    def replace(match: re.Match[str]) -> str:
        if match[1] not in MARKERS:
            raise ValueError(f"unknown marker {match[0]} in {text.strip()!r}")
        return MARKERS[match[1]][dialect == "postgres"].replace("#", match[2] or "")

    return _MARKER.sub(replace, text)
