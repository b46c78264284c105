"""What people call the kinds of things that commands are about: one, several, or in short."""

from collections.abc import Iterable, Mapping

SHORT: Mapping[str, str] = {
    "wf": "workflows",
    "tr": "triggers",
    "src": "sources",
    "perm": "permissions",
    "ev": "events",
    "ap": "approvals",
}
"""The plurals by their short names. Those of definitions are in their table too, which `ensue get` need not load."""


def singular(plural: str) -> str:
    return plural.removesuffix("s")


def words(plurals: Iterable[str]) -> dict[str, str]:
    """Every word for each, with its plural."""
    known = tuple(plurals)
    full = {word: plural for plural in known for word in (plural, singular(plural))}
    return full | {short: plural for short, plural in SHORT.items() if plural in known}
