"""W6: a POST every 50 ms, each of which starts a workflow of two steps: from the sending to the end of the run."""

import asyncio
from collections.abc import Iterator

from bench import flows, footprint, places, posting, processes, webhook
from bench.contest import Contender, Figures, Metric, Report, contest
from bench.ours import counting

ROUNDS = 5
RED = flows.NAME
EVERY = 0.05
DEFINITIONS = f"""\
apiVersion: ensue.dev/v1alpha1
kind: Workflow
metadata: {{name: two}}
spec:
  parameters:
    - {{name: sent, type: integer}}
  steps:
    - {{name: first, type: log, with: {{message: "sent at ${{parameters.sent}}"}}}}
    - {{name: second, dependsOn: [first], type: log, with: {{message: done}}}}
---
{webhook.TRIGGER}  actions:
    - workflow: two
      parameters: {{sent: "${{event.data.sent}}"}}
"""
FUNCTION = {"type": "function", "func": "msg.payload.noted = Date.now(); return msg;", "outputs": 1}
FLOW = flows.nodes(
    [
        ({"type": "http in", "url": flows.PATH, "method": "post"}, ["n1"]),
        (FUNCTION, ["n2"]),
        (FUNCTION, ["n3"]),
        ({"type": "http response", "statusCode": "200"}, []),
        ({"type": "http in", "url": flows.PATH, "method": "get"}, ["n3"]),
    ]
)


def reports(*, is_quick: bool, only: str) -> Iterator[Report]:
    if only == "postgres":
        return
    count = 60 if is_quick else 400
    contenders = [Contender(name="ours", play=lambda: _ours(count))]
    if not flows.absence():
        contenders.append(Contender(name=RED, play=lambda: _flow(count)))
    metrics = (
        Metric(key="p50", title="from the POST to the end, p50, ms", is_rate=False, goal=10.0),
        Metric(key="p95", title="p95, ms", is_rate=False),
        Metric(key="p99", title="p99, ms", is_rate=False),
        Metric(key="answered", title="from the POST to its answer, p50, ms", is_rate=False),
        Metric(key="cpu", title="processor ms of the server each", is_rate=False),
    )
    rounds = 1 if is_quick else ROUNDS
    yield contest("W6 from an event to the end of its run, SQLite", contenders, metrics, rounds, flows.absence())


def _ours(count: int) -> Figures:
    """The end is what the store says of the run; its clock is also the sender's."""
    with places.scratch() as home:
        data = home / "data"
        with webhook.server(home, DEFINITIONS) as port:
            warm = posting.post(port=port, path=webhook.HOOK, count=20, connections=1, every=EVERY)
            before = processes.spent_below()
            answer = posting.post(port=port, path=webhook.HOOK, count=count, connections=1, every=EVERY)
            args = {"url": "", "data": str(data)}
            asyncio.run(counting.until_succeeded(args, count + 20))
            spent = processes.spent_below() - before
        took = asyncio.run(counting.seconds_since(args, "sent"))[-count:]
        lost = answer["refused"] + warm["refused"] + abs(count - len(took))
        return {**posting.percentiles(took), "answered": answer["p50"], "lost": lost, "cpu": spent / count * 1000}


def _flow(count: int) -> Figures:
    """Its answer is the end."""
    port = footprint.free_port()
    with webhook.peer(port, flows.PATH, lambda home: flows.command(home, port, FLOW), 200):
        posting.post(port=port, path=flows.PATH, count=20, connections=1, every=EVERY)
        before = processes.spent_below()
        answer = posting.post(port=port, path=flows.PATH, count=count, connections=1, every=EVERY)
        spent = processes.spent_below() - before
    ends = {key: answer[key] for key in ("p50", "p95", "p99")}
    return {**ends, "answered": answer["p50"], "lost": answer["refused"], "cpu": spent / count * 1000}
