"""W4: events of many hosts, each host let through once in five minutes; the count must be exact."""

from collections.abc import Iterator

from bench import durable_runs, places, rulebooks
from bench.contest import CPU, MEMORY, Contender, Figures, Metric, Report, contest

ROUNDS = 5
EDA = rulebooks.NAME


def reports(*, is_quick: bool, only: str) -> Iterator[Report]:
    if only in ("", "sqlite"):
        yield _report(None, is_quick)
    if only in ("", "postgres"):
        with places.running_postgres() as server:
            yield _report(server, is_quick)


def _report(server: places.Postgres | None, is_quick: bool) -> Report:
    events, hosts = (2000, 100) if is_quick else (100_000, 1000)
    contenders = [Contender(name="ours", play=lambda: _ours(server, events, hosts))]
    if not rulebooks.absence():
        contenders.append(Contender(name=EDA, play=lambda: _rulebook(events, hosts)))
    metrics = (
        Metric(key="throttle", title="throttle, events/s", ratios={EDA: 1.0}),
        Metric(key="cpu_throttle", title="the same, processor µs an event", is_rate=False),
        Metric(key="dedupe", title="dedupe, events/s"),
        Metric(key="cpu_dedupe", title="the same, processor µs an event", is_rate=False),
        CPU,
        MEMORY,
    )
    name = f"PostgreSQL {server.version().split()[0]}" if server else "SQLite"
    title = f"W4 {events:,} events of {hosts:,} hosts, {name}"
    return contest(title, contenders, metrics, 1 if is_quick else ROUNDS, rulebooks.absence())


def _ours(server: places.Postgres | None, events: int, hosts: int) -> Figures:
    figures: dict[str, float] = {"lost": 0.0, "cpu": 0.0, "memory": 0.0}
    for window in ("throttle", "dedupe"):
        args = {"events": events, "hosts": hosts, "window": window}
        played = durable_runs.play(durable_runs.module("throttle"), server, args)
        figures |= {window: played["rate"], f"cpu_{window}": played["cpu_event"]}
        figures |= {"lost": figures["lost"] + played["lost"], "cpu": figures["cpu"] + played["cpu"]}
        figures |= {"memory": max(figures["memory"], played["memory"])}
    return figures


def _rulebook(events: int, hosts: int) -> Figures:
    """Its only window of that kind; nothing is durable."""
    source = {"payload": [{"host": f"host-{number}"} for number in range(hosts)], "loop_count": events // hosts}
    throttle = {"once_within": "5 minutes", "group_by_attributes": ["event.host"]}
    rule = {"condition": "event.host is defined", "throttle": throttle}
    played = rulebooks.played({"eda.builtin.generic": source}, [rule], events, hosts)
    seconds = {"throttle": played["rate"], "cpu_throttle": played["cpu"] / events * 1e6}
    return {**seconds, **{key: played[key] for key in ("cpu", "memory", "lost")}}
