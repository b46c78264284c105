"""Selectors: the labels that a step wants of a worker, as one canonical text."""

from collections.abc import Mapping


def satisfies(labels: Mapping[str, str], selector: str) -> bool:
    """Whether these labels have every `key=value` of a selector as `arch=amd64,os=linux`."""
    wanted = (part.split("=", 1) for part in selector.split(",")) if selector else ()
    return all(labels.get(part[0]) == part[1] for part in wanted)
