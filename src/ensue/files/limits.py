"""How much a file may ask of its reader."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    max_bytes: int = 1024 * 1024
    """Of one file."""
    max_depth: int = 100
    """Of nested mappings and sequences."""
    max_nodes: int = 100_000
    """Of one document, every alias counted as what it stands for."""
    max_documents: int = 1000
    """In one file."""


DEFAULT_LIMITS = Limits()
