"""What a step may ask of the machine that its container shares. Pure."""

import posixpath
from collections.abc import Iterable, Sequence

from ensue.model.errors import Fail
from ensue.ports.engine import Mount

ALWAYS = ("", "none", "default")


def network(name: str, allowed: Sequence[str]) -> str:
    """Raises Fail for one that the operator has not named."""
    if name not in ALWAYS and name not in allowed:
        raise Fail(f"the step may not join the network {name}", remedy="let ENSUE_CONTAINER_NETWORKS name it")
    return "" if name == "default" else name


def mounts(wanted: Iterable[Mount], allowed: Sequence[str], namespace: str) -> tuple[Mount, ...]:
    """What the engine is to mount: a namespace's volumes are its own, unless the operator has named one for all.
    Raises Fail for a directory that the operator has not named."""
    return tuple(Mount(_mounted(each.name, allowed, namespace), each.path, each.is_read_only) for each in wanted)


def _mounted(name: str, allowed: Sequence[str], namespace: str) -> str:
    if not name.startswith("/"):
        return name if name in allowed else f"ensue-{namespace}.{name}"
    # Not what is below: a step could make a link of it, which the engine follows as root.
    path = posixpath.normpath(name)
    if path in [posixpath.normpath(directory) for directory in allowed if directory.startswith("/")]:
        return path
    raise Fail(f"the step may not mount the directory {name}", remedy="let ENSUE_CONTAINER_MOUNTS name it")
