"""What steps find in their environment, whatever runs them."""

import json
from collections.abc import Mapping

from ensue.model.run import Lease
from ensue.model.values import Json


def of(lease: Lease) -> dict[str, str]:
    """What every step finds (SURFACE §4), the engine's own additions apart."""
    return {
        "CI": "true",
        "ENSUE": "true",
        "RELAY": "true",
        "ENSUE_RUN_ID": lease.key.run,
        "ENSUE_STEP": lease.key.title,
        "ENSUE_ATTEMPT": str(lease.attempt),
        "ENSUE_IDEMPOTENCY_KEY": f"{lease.key.run}/{lease.key.quoted}",
    }


def as_texts(values: Mapping[str, Json]) -> dict[str, str]:
    """Environment values: texts as they are, all else as JSON."""
    return {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        for name, value in values.items()
    }
