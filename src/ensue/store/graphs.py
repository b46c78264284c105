"""Graphs by definition hash, built once per process."""

import contextlib
import json
from collections import OrderedDict

from ensue.core import graph
from ensue.core.graph import Graph
from ensue.model.errors import NotFound, StoreBroken
from ensue.model.values import DefinitionHash
from ensue.model.workflow import Workflow
from ensue.store.statement import Sql, Transaction

BODY = Sql("SELECT body FROM bodies WHERE hash = $1")


class Graphs:
    """Runs keep the definition they started with, so an entry never goes stale."""

    def __init__(self, *, size: int = 512) -> None:
        self._graphs: OrderedDict[str, Graph] = OrderedDict()
        self._size = size

    def known(self, hash: DefinitionHash) -> Graph | None:
        found = self._graphs.get(hash)
        if found is not None:
            # Asked from several threads: another may just have let it go.
            with contextlib.suppress(KeyError):
                self._graphs.move_to_end(hash)
        return found

    def of(self, hash: DefinitionHash, name: str) -> Transaction[Graph]:
        known = self.known(hash)
        if known is not None:
            return known
        rows = yield BODY(hash)
        if not rows:
            raise NotFound(f"no definition {hash}")
        try:
            built = graph.build(parse(json.loads(rows[0][0]), name))
        except (ValueError, LookupError) as error:
            raise StoreBroken(f"definition {hash} of {name} cannot be read: {error}") from error
        self._graphs[hash] = built
        if len(self._graphs) > self._size:
            self._graphs.popitem(last=False)
        return built


def parse(body: dict[str, object], name: str) -> Workflow:
    """A workflow from its stored body, which has no metadata of its own; a trigger's actions have no name at all."""
    return Workflow.model_validate(
        {
            "apiVersion": body["apiVersion"],
            "kind": "Workflow",
            "metadata": {"name": name or "actions"},
            "compat": body.get("compat") or "",
            "spec": body["spec"],
        },
        # Files of relay carry keys that nobody knows.
        extra="ignore",
    )
