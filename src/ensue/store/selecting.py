"""Selectors: the labels that a step wants of a worker, as one canonical text."""

from collections.abc import Mapping

from ensue.core import graph


def satisfies(labels: Mapping[str, str], selector: str) -> bool:
    """Whether these labels have every one of a selector as `arch=amd64,os=linux`."""
    return graph.labels_of(selector).items() <= labels.items()
