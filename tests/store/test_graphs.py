"""Graphs are built once while they are in use."""

from typing import Any

import pytest

from ensue.core import graph
from ensue.model.values import DefinitionHash
from ensue.store.graphs import Graphs
from tests.core.playing import workflow
from tests.store.stores import Store


async def test_the_graph_that_was_longest_unused_is_let_go(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    hashes = [(await store.prepared(workflow([{"name": name}]))).definition_hash for name in ("a", "b", "c")]
    built: list[str] = []
    build = graph.build

    def noting(made: Any) -> graph.Graph:
        built.append(made.spec.steps[0].name)
        return build(made)

    monkeypatch.setattr(graph, "build", noting)
    graphs = Graphs(size=2)

    async def ask(hash: DefinitionHash) -> None:
        await store.driver.read(lambda: graphs.of(hash, "w"))

    a, b, c = hashes
    for hash in (a, b, a, c, a, b):
        await ask(hash)
    assert built == ["a", "b", "c", "b"]
    assert graphs.known(b) is not None
    assert graphs.known(c) is None
