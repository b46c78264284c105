"""Contenders play in turn, A B A B …; medians, ratios and goals are printed as a table."""

import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

Figures = Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """The first one of a contest is ours."""

    name: str
    play: Callable[[], Figures]
    """Once, from a fresh start. The figure `lost` counts what is missing or doubled: it must be 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A row. `goal` is for our figure; `ratios` says by name how many times better than a peer we mean to be."""

    key: str
    title: str
    is_rate: bool = True
    """More is better; else less is."""
    goal: float | None = None
    ratios: Mapping[str, float] = field(default_factory=dict)


CPU = Metric(key="cpu", title="processor seconds, start to end", is_rate=False)
MEMORY = Metric(key="memory", title="peak memory, MB", is_rate=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    text: str
    is_complete: bool
    """Nothing was lost or doubled."""
    missed: tuple[str, ...]


def contest(
    title: str, contenders: Sequence[Contender], metrics: Sequence[Metric], rounds: int, *absences: str
) -> Report:
    """`absences` say why a contender does not play; empty ones say nothing."""
    played: dict[str, list[Figures]] = {contender.name: [] for contender in contenders}
    for number in range(rounds):
        for contender in contenders:
            print(f"{title}: {contender.name}, {number + 1} of {rounds}", file=sys.stderr, flush=True)
            played[contender.name].append(contender.play())
    lost = {name: int(sum(figures.get("lost", 0) for figures in all_figures)) for name, all_figures in played.items()}
    rows, missed = [], []
    for metric in metrics:
        cells, unmet = _cells(metric, played)
        rows.append([metric.title, *cells])
        missed += unmet
    head = ["", *played, "goal"]
    text = f"### {title}\n\n{_table(head, rows)}\n"
    text += "".join(f"\n{absence}\n" for absence in absences if absence)
    text += "".join(f"\n**{name}: {count} lost or doubled**\n" for name, count in lost.items() if count)
    text += "".join(f"\nMissed: {sentence}\n" for sentence in missed)
    return Report(text=text, is_complete=not lost[contenders[0].name], missed=tuple(missed))


def _cells(metric: Metric, played: Mapping[str, list[Figures]]) -> tuple[list[str], list[str]]:
    names = list(played)
    ours = [figures[metric.key] for figures in played[names[0]] if metric.key in figures]
    cells, missed = [], []
    for name in names:
        values = [figures[metric.key] for figures in played[name] if metric.key in figures]
        cell = number(statistics.median(values)) if values else "–"
        if name != names[0] and any(values) and any(ours):
            ratio = statistics.median(_ratio(metric, a, b) for a, b in zip(ours, values, strict=True))
            cell += f" ({number(ratio)}×)"
            wanted = metric.ratios.get(name)
            if wanted is not None and ratio < wanted:
                missed.append(f"{metric.title}: {number(ratio)} × {name}, the goal is {number(wanted)}")
        cells.append(cell)
    if metric.goal is not None and ours:
        median = statistics.median(ours)
        if median < metric.goal if metric.is_rate else median > metric.goal:
            missed.append(f"{metric.title}: {number(median)}, the goal is {_sign(metric)} {number(metric.goal)}")
    goals = [] if metric.goal is None else [f"{_sign(metric)} {number(metric.goal)}"]
    goals += [f"≥ {number(ratio)} × {name}" for name, ratio in metric.ratios.items()]
    return [*cells, ", ".join(goals)], missed


def _sign(metric: Metric) -> str:
    return "≥" if metric.is_rate else "≤"


def _ratio(metric: Metric, ours: float, peer: float) -> float:
    """How many times better we are."""
    over, under = (ours, peer) if metric.is_rate else (peer, ours)
    return over / under if under else float("inf")


def number(value: float) -> str:
    """Three digits that count."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 2), "---"], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
