"""What the studies "rates" and "design" say about learning rate, start and length: tables and figures of validation losses.

Both studies make choices, so all of it is about validation; the studies have no predictions, and so the only test here is over
seeds: one cell is "lower" than another where each of its runs lies below each of the other's. With three seeds each, that happens
in one of ten pairs of cells that do not differ.
"""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy
import pandas

from ..results import Study
from .drawing import INK, SIZE, SMALL, WIDTH, color_of, described

STARTS = {   # prompt_init -> words, colour, marker
    "vocab": ("sampled tokens", "#0072B2", "o"), "text": ("words of the task", "#009E73", "s"),
    "random": ("random, a token's length", "#E69F00", "^"), "first": ("first rows of the table", "#CC79A7", "v"),
    "normal": ("N(0, 1)", "#D55E00", "X")}
CELL = ["task", "base", "length", "start", "rate"]
SEARCH = ["system", "base", "task", "data"]


def best_losses(study: Study) -> pandas.DataFrame:
    """The lowest validation loss of each run: task, data, base, system, length, start, rate, seed, loss (nats per token)."""
    rows = study.table("data", "prompt_length", "prompt_init", "learning_rate")
    rows = rows[(rows["split"] == "validation") & (rows["metric"] == "loss")]
    rows = rows.rename(columns={"prompt_length": "length", "prompt_init": "start", "learning_rate": "rate", "value": "loss"})
    rows = rows.assign(data=rows["data"].fillna("embedded"))
    keys = ["task", "data", "base", "system", "length", "start", "rate", "seed"]
    return rows.groupby([*keys, "run"], sort=False)["loss"].min().reset_index().drop(columns="run")


def design_cells(study: Study) -> pandas.DataFrame:
    """A row for each length x start x rate, the lowest mean first: mean, low and high over the seeds, and the losses, in nats."""
    runs = best_losses(study)
    cells = [{**dict(zip(CELL, key, strict=True)), "mean": rows["loss"].mean(), "low": rows["loss"].min(),
              "high": rows["loss"].max(), "seeds": len(rows), "losses": sorted(rows["loss"])}
             for key, rows in runs.groupby(CELL)] if len(runs) else []
    cells = pandas.DataFrame(cells, columns=[*CELL, "mean", "low", "high", "seeds", "losses"])
    return cells.sort_values("mean", kind="stable", ignore_index=True)


def over_seeds(first: Sequence[float], second: Sequence[float]) -> str:
    """"lower" where every loss of ``first`` is below all of ``second``, "higher" the other way, else "cannot be told apart"."""
    return "lower" if max(first) < min(second) else "higher" if min(first) > max(second) else "cannot be told apart"


def start_words(start: str) -> str:
    """A start as the lesson calls it."""
    return STARTS[start][0] if start in STARTS else start


def design_figure(cells: pandas.DataFrame, task: str):
    """Validation loss against learning rate, a panel for each length, a line for each start; bars: lowest to highest
    seed, where there are several."""
    cells = cells[cells["task"] == task]
    lengths = sorted(map(int, cells["length"].unique()))
    columns = max(1, len(lengths))
    figure, axes = plt.subplots(1, columns, figsize=(WIDTH, 3.2), sharey=True, sharex=True, squeeze=False, layout="constrained")
    seen = [start for start in STARTS if start in set(cells["start"])]
    for ax, length in zip(axes[0], lengths, strict=False):
        for start in seen:
            rows = cells[(cells["length"] == length) & (cells["start"] == start)].sort_values("rate")
            words, color, marker = STARTS[start]
            spread = [rows["mean"] - rows["low"], rows["high"] - rows["mean"]]
            ax.errorbar(rows["rate"], rows["mean"], yerr=spread, color=color, marker=marker, markersize=5, linewidth=1.6,
                        elinewidth=1, capsize=2, label=words)
        ax.set_title(f"{length} token{'s' * (length > 1)}", size=SIZE, weight="bold", loc="left")
        log_axes(ax, sorted(cells["rate"].unique()))
    figure.supxlabel("learning rate", size=SIZE)
    axes[0, 0].set_ylabel("validation loss, nats per token", size=SIZE)
    if seen:
        handles, labels = max((ax.get_legend_handles_labels() for ax in axes[0]), key=lambda pair: len(pair[1]))
        figure.legend(handles, labels, loc="outside upper center", ncols=3, fontsize=SMALL + 0.5)
    best = (f"The lowest: {cell_words(cells.iloc[0])}. The highest: {cell_words(cells.iloc[-1])}." if len(cells)
            else "No rows yet.")
    return described(figure, f"Validation loss of {task} against learning rate, log axes, for {len(lengths)} prompt lengths and "
                             f"{len(seen)} starts. {best}")


def cell_words(cell) -> str:
    """A cell in words."""
    spread = f" ({cell['low']:.3f} to {cell['high']:.3f})" if cell["seeds"] > 1 else ""
    return (f"{cell['length']} token{'s' if cell['length'] > 1 else ''} from {start_words(cell['start'])} at {cell['rate']:g}: "
            f"{cell['mean']:.3f} nats{spread}")


def seed_words(seeds: int) -> str:
    """How many seeds a mean is of."""
    return f"mean of {seeds} seeds" if seeds > 1 else "one seed"


CHOICES = {"start": ("start", start_words), "rate": ("learning rate", "{:g}".format), "length": ("prompt length", "{:g}".format)}


def choice_sentences(cells: pandas.DataFrame) -> list[str]:
    """A sentence for each task and each choice with two values or more: the best, the price of the worst, what the seeds say.

    The other two choices are made as well as possible for each value. Only what all values of the choice met counts. Starts and
    lengths are compared where each has most seeds: at its best rate. Most rates have one.
    """
    sentences = []
    for task, group in cells.groupby("task", sort=False):
        for choice, (name, words) in CHOICES.items():
            others = [each for each in CHOICES if each != choice]
            common = set.intersection(*(set(map(tuple, rows[others].values)) for _, rows in group.groupby(choice)))
            rows = group[[tuple(each) in common for each in group[others].values]]
            if choice != "rate":
                rows = rows[rows["seeds"] == rows.groupby(choice)["seeds"].transform("max")]
            rows = rows.loc[rows.groupby(choice)["mean"].idxmin()].sort_values("mean")
            if len(rows) < 2:
                continue
            best, worst = rows.iloc[0], rows.iloc[-1]
            apart = over_seeds(worst["losses"], best["losses"])
            verdict = ("with too few seeds for a verdict" if min(best["seeds"], worst["seeds"]) < 3 else
                       "and the two cannot be told apart by their seeds" if apart == "cannot be told apart" else
                       "and each of its seeds lies above all of the best's")
            sentences.append(
                f"{task.replace('_', ' ')}, {name}: {words(best[choice])} is the best of {len(rows)} "
                f"({best['mean']:.3f} nats, {seed_words(best['seeds'])}); the worst, {words(worst[choice])}, ends at "
                f"{worst['mean'] / best['mean']:.2f} times that loss ({seed_words(worst['seeds'])}), {verdict}.")
    return sentences or ["The study design has nothing to compare yet."]


def log_axes(ax, rates: Sequence[float]) -> None:
    """Both axes logarithmic, the learning rates that were tried as ticks, plain numbers."""
    ax.set(xscale="log", yscale="log")
    if len(rates):
        ax.set_xticks(rates, [f"{rate:g}" for rate in rates], rotation=60)
        ax.set_xticks([], minor=True)
    ax.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    ax.yaxis.set_minor_formatter(lambda value, _: f"{value:g}" if f"{value:e}"[0] in "25" else "")
    ax.tick_params(which="both", labelsize=SMALL)


# ---- the searches of the learning rate


def searches(study: Study) -> pandas.DataFrame:
    """A row for each search (system, base, task, data): the rates tried, their losses over the lowest, and the best rate."""
    runs = best_losses(study)
    runs = runs[runs["base"] != "smollm2"]   # another kind of model, other grids
    found = []
    for key, rows in runs.groupby(SEARCH, sort=False):
        rows = rows.groupby("rate")["loss"].min().sort_index()   # one seed each
        found.append({**dict(zip(SEARCH, key, strict=True)), "best": rows.idxmin(), "runs": len(rows),
                      "rates": rows.index.to_numpy(), "ratios": (rows / rows.min()).to_numpy()})
    return pandas.DataFrame(found, columns=[*SEARCH, "best", "runs", "rates", "ratios"])


def at_edge(found: pandas.DataFrame) -> int:
    """How many searches have their best rate at an end of the rates that they tried: a still lower loss may lie beyond."""
    return sum(int(numpy.argmin(ratios)) in (0, len(ratios) - 1) for ratios in found["ratios"])


def price_of_a_miss(found: pandas.DataFrame) -> pandas.DataFrame:
    """For each system: its best rates, and how much the loss rises, in %, median, a step of the ladder (x 3) to either side."""
    lines = []
    for system, rows in found.groupby("system", sort=False):
        line = {"system": system, "searches": len(rows), "runs": int(rows["runs"].sum()),
                "lowest best rate": rows["best"].min(), "highest": rows["best"].max()}
        for side, name in ((-1, "a third of it"), (1, "three times it")):
            rises = [row["ratios"][i] for _, row in rows.iterrows()
                     if 0 <= (i := int(numpy.argmin(row["ratios"])) + side) < len(row["ratios"])]
            line[name] = f"+{100 * (numpy.median(rises) - 1):.0f}%" if rises else "-"
        lines.append(line)
    return pandas.DataFrame(lines)


def search_figure(found: pandas.DataFrame):
    """Loss over the lowest of each search against the learning rate: a panel for each system, a line for each task and model."""
    systems = list(dict.fromkeys(found["system"]))
    systems.sort(key=lambda system: -numpy.median(found[found["system"] == system]["best"]))
    figure, axes = plt.subplots(1, max(1, len(systems)), figsize=(WIDTH, 2.9), sharey=True, squeeze=False, layout="constrained")
    for ax, system in zip(axes[0], systems, strict=False):
        rows = found[found["system"] == system]
        for _, row in rows.iterrows():
            ax.plot(row["rates"], row["ratios"], color=color_of(system), linewidth=1.1, alpha=0.6)
        best, counts = numpy.unique(rows["best"], return_counts=True)
        ax.scatter(best, [1] * len(best), s=14 + 12 * counts, color=color_of(system), edgecolors=INK, linewidths=0.8, zorder=4)
        log_axes(ax, sorted({float(rate) for rates in rows["rates"] for rate in rates}))
        ax.set_ylim(0.93, 4)
        ax.set_yticks([1, 1.5, 2, 3, 4], ["1", "1.5", "2", "3", "4"])
        ax.set_yticks([], minor=True)
        ax.set_title(system.replace(", ", ",\n"), size=SMALL + 0.5, weight="bold", loc="left")
    figure.supxlabel("learning rate (dots: the best; larger where more searches chose it)", size=SIZE)
    axes[0, 0].set_ylabel("validation loss / lowest of the search", size=SIZE)
    said = "; ".join(f"{system}: best between {rows['best'].min():g} and {rows['best'].max():g}"
                     for system, rows in found.groupby("system", sort=False))
    return described(figure, f"Validation loss over the lowest of its search against the learning rate, log axes. {said}.")
