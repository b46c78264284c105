"""The same two steps of one run, as a sample has them and as the store has them."""

import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from ensue.metadata.application import Application
from ensue.metadata.attempts import AttemptDoor
from ensue.model.run import Lease, Run
from ensue.model.secret import SecretPlace
from ensue.model.values import DEFAULT_NAMESPACE, Json
from ensue.operations import definitions, runs, secrets
from ensue.ports.store import Claimant
from tests.metadata import samples
from tests.metadata.asking import Asker
from tests.operations.places import ANN, Place, place_at
from tests.store.stores import worker_of

SPEC: dict[str, Json] = {
    "foo": "bar",
    "region": {"$type": "Parameter", "name": "region"},
    "text": "in ${parameters.region}",
    "greeting": "${secrets.hello}",
    "missing": "${parameters.nope}",
    "list": [1, {"name": "a", "value": 2.5}],
}
ENV: dict[str, Json] = {"REGION": "${parameters.region}", "NOPE": {"$type": "Secret", "name": "nope"}}
STATE: dict[str, Json] = {"foo": "bar", "deep": {"a": [None, True]}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """Two steps that run, and nobody."""

    one: Asker
    two: Asker
    nobody: Asker


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """The side that is stored, with all that is behind it."""

    side: Side
    place: Place
    app: Application
    leases: dict[str, Lease]
    run: Run


def sample_side() -> Side:
    step: Json = {"spec": SPEC, "env": ENV, "state": STATE}
    whole: dict[str, Any] = {
        "secrets": {"hello": "world"},
        "runs": {"1": {"parameters": {"region": "us"}, "steps": {"one": step, "two": {"spec": {"a": 1}}}}},
    }
    stage = samples.stage(json.dumps(whole))
    return Side(one=stage.step("one", "1"), two=stage.step("two", "1"), nobody=stage.nobody())


@contextlib.asynccontextmanager
async def stored(folder: Path, database_url: str = "", compat: str = "", **step: Any) -> AsyncIterator[Stored]:
    """A run of two steps, claimed by a worker that does nothing."""
    async with place_at(folder, database_url) as place:
        world = place.world
        spec: dict[str, Any] = {
            "parameters": [{"name": "region", "default": "us"}],
            "steps": [
                {"name": "one", "run": "true", "spec": SPEC, "env": ENV, **step},
                {"name": "two", "run": "true", "spec": {"a": 1}},
            ],
        }
        body: dict[str, Any] = {"apiVersion": "relay.sh/v1beta1", "kind": "Workflow", "metadata": {"name": "talk"}}
        body |= {"spec": spec} | ({"compat": compat} if compat else {})
        await definitions.apply(ANN, world, body)
        hello = SecretPlace(namespace=DEFAULT_NAMESPACE, name="hello", key="value", workflow="")
        await secrets.set_value(ANN, world, hello, b"world")
        run = await runs.start(ANN, world, runs.Start(namespace=DEFAULT_NAMESPACE, workflow="talk"))
        await runs.set_state(ANN, world, DEFAULT_NAMESPACE, run.name, "one", STATE)
        leases = await claimed(place, 2)
        app = served(place)
        side = Side(
            one=await speaker(place, app, leases["one"]),
            two=await speaker(place, app, leases["two"]),
            nobody=Asker(app=app),
        )
        yield Stored(side=side, place=place, app=app, leases=leases, run=run)


def served(place: Place) -> Application:
    node = place.node
    node.passes.url = "http://127.0.0.1:1"
    return Application(door=AttemptDoor(world=node.world, secrets=node.secrets, known=node.stepping.confidence_in))


async def claimed(place: Place, count: int) -> dict[str, Lease]:
    """By step; the worker is there for an hour."""
    await place.world.workers.register(worker_of(), timedelta(hours=1))
    found = await place.world.runs.claim(Claimant(worker=worker_of().id, labels={}, free={"process": count}))
    return {lease.key.step: lease for lease in found.leases}


async def speaker(place: Place, app: Application, lease: Lease) -> Asker:
    """The attempt, as it finds itself when it starts."""
    await place.node.passes.issue(lease)
    return Asker(app=app, token=place.node.passes.secret_of(lease))
