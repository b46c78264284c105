"""Sources: what lets events in. Those that go and look are registered by entry point, as those of others are."""

from ensue import plugins
from ensue.ports.pulling import PullSource


def installed() -> dict[str, PullSource]:
    """The types of sources that go and look, by name."""
    return {name: kind() for name, kind in plugins.load(plugins.SOURCE_TYPES).items() if hasattr(kind, "run")}
