"""What the lesson on size needs out of sight: systems on four base models drawn over the same test records, figures by size, and
the first epoch of a stored run, trained again."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, replace

import matplotlib.pyplot as plt
import numpy
import pandas

from ..base_models import COURSE_MODELS
from ..cost import Batch, Cost, break_even
from ..experiment import Experiment, run
from ..metrics import SCORES
from ..results import Study, stored
from ..serving import calculator_table
from ..shapes import get_shape
from ..tasks import TASKS, data_root
from ..training import TrainingConfig
from ..verdicts import DRAWS, TestRuns, Verdict
from .charts import _labels_at_the_right
from .clinic import number_of
from .drawing import INK, SIZE, SMALL, SOFT_INK, WIDTH, color_of, described, text_width

FULL, TWENTY = "full fine-tuning", "soft prompt, 20 tokens"
WRITTEN, SEARCHED = "hard prompt, best written", "discrete search, 20 tokens"
NAMES = {WRITTEN: "best hand-written prompt"}   # in figures
TRIVIAL = ("copy of the source", "lead sentence", "most common training answer")   # answers that need no model
GRAY = "#888888"
FLOOR = 5.0   # points of 100: below, a percentage of a score is noise
ENOUGH = 3     # runs of each system, before their lowest and highest are compared
SHORT = {name: name.removeprefix("course-gpt2-") for name in COURSE_MODELS}


def study_of(base: str) -> Study:
    """The study that holds a course model's runs: course-gpt2-m is in "main", the other sizes in "scale"."""
    return stored("main" if base == "course-gpt2-m" else "scale")


class Sizes:
    """The systems of one task on all sizes, in the same draws of test records, so that any two can be compared.

    Scores are points of 100, for ROUGE-L too. What has no stored run is left out.
    """

    def __init__(self, task: str, bases: Sequence[str] = COURSE_MODELS, draws: int = DRAWS, seed: int = 0):
        self.task, self.seed, self.metric = task, seed, TASKS[task].main_metric
        self.unit = 100 / SCORES[self.metric].scale
        self.runs = {base: TestRuns(study_of(base), task, base) for base in bases}
        known = [(base, system) for base in bases for system in self.systems(base)]
        if not known:
            raise ValueError(f"the studies hold no test run of {task} on {', '.join(bases)}")
        self.n, self.repetitions = self.runs[known[0][0]].size(known[0][1]), draws

    @property
    def trivial(self) -> float | None:
        """The best score of an answer that needs no model, in points; None if there is no row of one."""
        rows = pandas.concat([each.rows for each in self.runs.values()])
        values = rows[rows["system"].isin(TRIVIAL)]["value"]
        return self.unit * float(values.max()) if len(values) else None

    def says_something(self, base: str, *systems: str) -> bool:
        """Whether the interval of one of the systems lies above the best answer that needs no model."""
        return max(self.score(base, each)["low"] for each in systems) > (self.trivial or 0)

    def systems(self, base: str) -> list[str]:
        """Systems that have predictions on this base model."""
        return list(self.runs[base].answers())

    def draws(self, base: str, system: str) -> numpy.ndarray:
        """`TestRuns.draws` in points. ValueError if the system was tested on other records than the first one."""
        self.runs[base].require_size(system, self.n)
        return self.unit * self.runs[base].draws(system, self.repetitions, self.seed)

    def score(self, base: str, system: str) -> dict | None:
        """mean, low and high (95%), and ``seeds``: one score a run; None if it is not there."""
        if system not in self.systems(base):
            return None
        seeds = [self.unit * each for each in self.runs[base].score(system)]
        low, high = numpy.quantile(self.draws(base, system), (0.025, 0.975)).tolist()
        return {"mean": float(numpy.mean(seeds)), "low": low, "high": high, "seeds": seeds}

    def compare(self, first: tuple[str, str], second: tuple[str, str]) -> Verdict | None:
        """`verdicts.Verdict` in points, ``first`` and ``second`` each a base model and a system; None if one is not there."""
        ours, theirs = self.score(*first), self.score(*second)
        if ours is None or theirs is None:
            return None
        low, high = numpy.quantile(self.draws(*first) - self.draws(*second), (0.025, 0.975)).tolist()
        names = [f"{SHORT.get(base, base)} with {system}" for base, system in (first, second)]
        seeds = (len(ours["seeds"]), len(theirs["seeds"]))
        return Verdict(*names, self.metric, ours["mean"] - theirs["mean"], (low, high), seeds, self.n)

    def change(self, first: str, second: str, small: str, large: str) -> Verdict | None:
        """By how many points the lead of ``first`` over ``second`` is larger on the base model ``large`` than on ``small``."""
        return self._change(first, second, small, large, lambda ours, theirs: ours - theirs)

    def share_change(self, first: str, second: str, small: str, large: str) -> Verdict | None:
        """The same for what ``first`` reaches in percent of ``second``."""
        return self._change(first, second, small, large, lambda ours, theirs: 100 * ours / theirs)

    def _change(self, first: str, second: str, small: str, large: str, of: Callable) -> Verdict | None:
        scores = [[self.score(base, system) for system in (first, second)] for base in (large, small)]
        if None in scores[0] + scores[1]:
            return None
        values = [of(self.draws(base, first), self.draws(base, second)) for base in (large, small)]
        low, high = numpy.quantile(values[0] - values[1], (0.025, 0.975)).tolist()
        on_large, on_small = (of(ours["mean"], theirs["mean"]) for ours, theirs in scores)
        seeds = (len(scores[0][0]["seeds"]), len(scores[0][1]["seeds"]))
        return Verdict(SHORT[large], SHORT[small], self.metric, on_large - on_small, (low, high), seeds, self.n)

    def share(self, base: str, system: str, of: str = FULL) -> str:
        """What a system reaches in percent of another on the same base model, with the 95% interval; – if one is not there, or
        the other is near zero."""
        ours, theirs = self.score(base, system), self.score(base, of)
        if ours is None or not self.can_divide_by(base, of):
            return "–"
        low, high = numpy.quantile(100 * self.draws(base, system) / self.draws(base, of), (0.025, 0.975)).tolist()
        return f"{100 * ours['mean'] / theirs['mean']:.0f} [{low:.0f}, {high:.0f}]"

    def can_divide_by(self, base: str, system: str) -> bool:
        """Whether a percentage of the system's score says something: its interval lies above `FLOOR`."""
        score = self.score(base, system)
        return bool(score) and score["low"] >= FLOOR

    def ends(self, *systems: str) -> tuple[str, str]:
        """The smallest and the largest base model on which all these systems were measured."""
        known = [base for base in self.runs if set(systems) <= set(self.systems(base))]
        if not known:
            raise ValueError(f"no base model has runs of all of {', '.join(systems)} for {self.task}")
        return known[0], known[-1]


def shown(verdict: Verdict | None) -> str:
    """A difference in points with its interval; ≈ in front where the two cannot be told apart."""
    if verdict is None:
        return "–"
    low, high = verdict.interval
    return f"{'' if low > 0 or high < 0 else '≈ '}{verdict.difference:+.1f} [{low:+.1f}, {high:+.1f}]"


def missing(sizes: Mapping[str, Sizes], systems: Sequence[str]) -> list[str]:
    """What the studies do not hold: for each system the sizes on which it lacks a task or more."""
    found = []
    for system in systems:
        lacking = [SHORT[base] for base in COURSE_MODELS
                   if any(base in each.runs and system not in each.systems(base) for each in sizes.values())]
        found += [f"{system} on {', '.join(lacking)}"] if lacking else []
    return found


def differences(sizes: Mapping[str, Sizes], first: str, second: str) -> dict[tuple[str, str], Verdict]:
    """(task, base model) -> how many points ``first`` is above ``second`` there, wherever both were measured."""
    found = {(task, base): each.compare((base, first), (base, second)) for task, each in sizes.items() for base in each.runs}
    return {key: verdict for key, verdict in found.items() if verdict}


def difference_table(found: Mapping[tuple[str, str], Verdict]) -> pandas.DataFrame:
    """A row a task, a column a size."""
    tasks = dict.fromkeys(task for task, _ in found)
    return pandas.DataFrame({SHORT[base]: {task.replace("_", " "): shown(found.get((task, base))) for task in tasks}
                             for base in COURSE_MODELS if any(each == base for _, each in found)})


def trend(sizes: Mapping[str, Sizes], first: str, second: str, share: bool = False,
          floor: str | None = None) -> dict[str, tuple[Verdict | None, str]]:
    """task -> how the lead of ``first`` over ``second`` differs between the smallest and the largest size, and that in words.

    Sizes on which neither is above the best answer that needs no model are skipped. With ``share``: how what ``first`` reaches in
    percent of ``second`` differs, over the sizes where ``second`` is above `FLOOR`. ``floor``: the system that must be.
    """
    found = {}
    for task, each in sizes.items():
        bases = [base for base in each.runs if each.compare((base, first), (base, second))]
        bases = [base for base in bases if each.says_something(base, first, second)]
        above = floor or (second if share else None)
        bases = [base for base in bases if not above or each.can_divide_by(base, above)]
        if len(bases) < 2:
            found[task] = None, "measured on fewer than two sizes"
            continue
        change = (each.share_change if share else each.change)(first, second, bases[0], bases[-1])
        word = {"higher": "grows", "lower": "shrinks"}.get(change.verdict, "cannot be told to change")
        unit = "percentage points" if share else "points"
        found[task] = change, f"from {SHORT[bases[0]]} to {SHORT[bases[-1]]} it {word}: {shown(change)} {unit}"
    return found


def judged(found: Sequence[Verdict | None], wanted: str) -> str:
    """What verdicts, one a task, say on a claim that wants all of them to be ``wanted`` ("higher" or "lower")."""
    verdicts = [each.verdict if each else None for each in found]
    if None in verdicts:
        return "cannot be told here"
    hits = verdicts.count(wanted)
    if hits:
        return "supported here" if hits == len(verdicts) else f"supported on {hits} of {len(verdicts)} tasks"
    return "cannot be told apart" if "cannot be told apart" in verdicts else "not supported here"


# ---- figures


def score_by_size(sizes: Mapping[str, Sizes], systems: Sequence[str]):
    """A panel for each task: score against parameters, a line for each system, 95% intervals as bars, seeds as dots."""
    figure, axes = plt.subplots(1, len(sizes), figsize=(WIDTH, 3.3), sharey=True, squeeze=False)
    room = max(text_width(NAMES.get(each, each), SIZE) for each in systems) + 0.25
    figure.subplots_adjust(left=0.07, right=1 - room / WIDTH, bottom=0.2, top=0.9, wspace=0.09)
    said = []
    for ax, (task, each) in zip(axes[0], sizes.items(), strict=True):
        ends = []
        for system in systems:
            points = {base: score for base in each.runs if (score := each.score(base, system))}
            if not points:
                continue
            x, scores = [get_shape(base).parameters for base in points], list(points.values())
            color = color_of(NAMES.get(system, system))
            means = [score["mean"] for score in scores]
            spans = [[score["mean"] - score["low"] for score in scores], [score["high"] - score["mean"] for score in scores]]
            ax.errorbar(x, means, yerr=numpy.maximum(spans, 0), color=color, linewidth=1.8, capsize=3, marker="o", markersize=4)
            for at, score in zip(x, scores, strict=True):
                ax.plot([at] * len(score["seeds"]), score["seeds"], ".", color=INK, markersize=2.5, zorder=4)
            ends.append((means[-1], NAMES.get(system, system), color, x[-1]))
            said.append(f"{task.replace('_', ' ')}, {system}: "
                        + ", ".join(f"{SHORT[base]} {mean:.0f}" for base, mean in zip(points, means, strict=True)))
        if each.trivial is not None:
            ax.axhline(each.trivial, color=GRAY, linewidth=1.2, zorder=0)
            said.append(f"{task.replace('_', ' ')}, an answer without a model, grey line: {each.trivial:.0f}")
        sizes_axis(ax, each)
        ax.set_title(f"{task.replace('_', ' ')}\n{SCORES[each.metric].label.removesuffix(', %')}", size=SIZE)
    _labels_at_the_right(figure, axes[0, -1], ends)
    axes[0, 0].set(ylim=(-2, 102), ylabel="points of 100")
    figure.supxlabel("parameters of the base, logarithmic · bars: 95% · dots: seeds · grey: no model needed", size=SMALL + 0.5,
                     color=SOFT_INK)
    return described(figure, f"Scores of 100 by size. {'; '.join(said)}.")


def sizes_axis(ax, each: Sizes) -> None:
    """A logarithmic axis of parameters with the sizes' names."""
    at = [get_shape(base).parameters for base in each.runs]
    ax.set(xscale="log", xlim=(at[0] / 1.5, at[-1] * 1.5))
    ax.set_xticks(at, [f"{SHORT[base]}\n{n / 1e6:.2f}M" for base, n in zip(each.runs, at, strict=True)], size=SMALL)
    ax.set_xticks([], minor=True)
    ax.tick_params(axis="y", labelsize=SMALL)


def difference_by_size(panels: Mapping[str, Mapping[tuple[str, str], Verdict]]):
    """A panel for each title: differences in points by size, a marker a task; hollow where the interval holds zero."""
    figure, axes = plt.subplots(1, len(panels), figsize=(WIDTH, 3.0), sharey=True, squeeze=False, layout="constrained")
    tasks = list(dict.fromkeys(task for found in panels.values() for task, _ in found))
    said = []
    for ax, (title, found) in zip(axes[0], panels.items(), strict=True):
        for n, task in enumerate(tasks):
            here = {base: verdict for (its, base), verdict in found.items() if its == task}
            points = [(COURSE_MODELS.index(base) + 0.16 * (n - (len(tasks) - 1) / 2), verdict) for base, verdict in here.items()]
            color, marker = ("#1A1A1A", "#6E6E6E", "#A0A0A0")[n % 3], "os^"[n % 3]   # no colours: those are systems'
            if points:
                ax.plot([x for x, _ in points], [each.difference for _, each in points], color=color, linewidth=1, alpha=0.6)
                said.append(f"{title}, {task.replace('_', ' ')}: "
                            + ", ".join(f"{SHORT[base]} {each.difference:+.0f}" for base, each in here.items()))
            for x, each in points:
                apart = each.verdict != "cannot be told apart"
                ax.plot([x, x], each.interval, color=color, linewidth=1.6)
                ax.plot(x, each.difference, marker, color=color, markersize=6, markerfacecolor=color if apart else "white")
            ax.plot([], [], f"{marker}-", color=color, label=task.replace("_", " "))
        ax.axhline(0, color=INK, linewidth=0.8)
        ax.set_xticks(range(len(COURSE_MODELS)), SHORT.values())
        ax.set_xlim(-0.5, len(COURSE_MODELS) - 0.5)
        ax.set_title(title, size=SIZE)
    axes[0, 0].set_ylabel(f"points of 100 (n = {next(iter(next(iter(panels.values())).values())).n})")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=len(tasks), fontsize=SIZE)
    return described(figure, f"Differences by size, in points of 100. {'; '.join(said)}.")


# ---- a stored run, its first epoch again


class Enough(Exception):
    """Ends a training after the epoch that was wanted."""


def first_epoch(task: str, base: str, seed: int = 0, watch: Callable[[int, object], None] | None = None,
                steps: Sequence[int] = ()) -> dict | None:
    """Train the stored run of 20 tokens again, for its first epoch: same records, rate, seed and schedule.

    Returns {"steps", "again", "stored"}: steps taken and the validation loss after them, ours and the study's; None if the study
    has no such run. ``watch(step, system)`` is called before the first step, after each number of ``steps``, and last.
    """
    study, names = study_of(base), {each.name for each in fields(Experiment)}
    wanted = {"task": task, "model": base, "system": "soft prompt", "prompt_length": 20, "data": "embedded", "max_train": None}
    found = [each for each in study.read("runs") if all(each["config"].get(name) == value for name, value in wanted.items())
             and each["config"].get("kind", "plain") == "plain" and each["config"]["training"]["seed"] == seed]
    if not found:
        return None
    config = found[0]["config"]
    experiment = replace(Experiment(**{name: value for name, value in config.items() if name in names}), max_scored=0)
    rows = study.table()
    rows = rows[(rows["run"] == found[0]["run"]) & (rows["split"] == "validation") & (rows["metric"] == "loss")]
    first, state = rows.sort_values("step").iloc[0], {"taken": 0, "system": None}

    def prepare(system) -> None:
        state["system"], plain = system, system.share_gradients

        def counted(parts):   # called once a step, in front of the optimizer
            if watch and state["taken"] in steps:
                watch(state["taken"], system)
                system.train()
            state["taken"] += 1
            return plain(parts)

        system.share_gradients = counted
        if watch:
            watch(0, system)

    def report(label: str, scores: Mapping) -> None:
        if label.startswith("Epoch 1/"):
            state["loss"] = scores["validation_loss"]
            raise Enough

    try:
        run(experiment, TrainingConfig(**config["training"]), report=report, prepare=prepare, test=False)
    except Enough:
        if watch:
            watch(state["taken"], state["system"])
    return {"steps": state["taken"], "again": state["loss"], "stored": float(first["value"]), "device": found[0].get("device")}


def stored_after(task: str, base: str, step: int) -> pandas.DataFrame:
    """A row a system: how many stored runs there are, and the lowest and the highest validation loss after ``step`` steps."""
    rows = study_of(base).table()
    rows = rows[(rows["task"] == task) & (rows["base"] == base) & (rows["split"] == "validation") & (rows["metric"] == "loss")]
    found = rows[rows["step"] == step].groupby("system", sort=False)["value"].agg(["count", "min", "max"])
    return found.rename(columns={"count": "stored runs", "min": "lowest loss", "max": "highest loss"})


def near_the_stored(again: Mapping, tolerance: float = 0.01) -> None:
    """AssertionError if `first_epoch` came out further from the stored row than other machines' sums explain."""
    distance = abs(again["again"] - again["stored"])
    assert distance < tolerance, f"the losses are {distance:.4f} apart, more than {tolerance}: other records, rate or seed?"


# ---- tables of the lesson


def readings() -> dict:
    """size -> how it was pre-trained, with its log."""
    return json.loads((data_root() / "base_models" / "training.json").read_text(encoding="utf-8"))["models"]


def models_table() -> pandas.DataFrame:
    """A row a course model: size, peak learning rate, last loss, and the share of German nouns that it knows."""
    found = {}
    for base in COURSE_MODELS:
        shape, read = get_shape(base), readings()[SHORT[base]]
        last = read["log"][-1]
        found[base] = {"parameters": f"{shape.parameters:,}", "width x layers": f"{shape.width} x {shape.layers}",
                       "20 tokens, % of the parameters": f"{100 * 20 * shape.width / shape.parameters:.2f}",
                       "peak learning rate": f"{read['peak_learning_rate']:g}",
                       "loss on unseen pages": f"{last['validation_loss']:.2f}",
                       "nouns right, %": f"{last['nouns right, %']:.0f}"}
    return pandas.DataFrame(found).T


def largest_rise(size: str) -> tuple[float, float, float]:
    """The largest rise of the loss on unseen pages within the pre-training of a size: from, to, and the last loss."""
    losses = [row["validation_loss"] for row in readings()[size]["log"]]
    lowest = [min(losses[:i + 1]) for i in range(len(losses))]
    at = max(range(len(losses)), key=lambda i: losses[i] - lowest[i])
    return lowest[at], losses[at], losses[-1]


def real_table() -> tuple[pandas.DataFrame, list[str]] | None:
    """SmolLM2 on Multi30k: scores by system, and a line for each compared pair; None if nothing is stored."""
    rows = stored("real").table("max_train")
    rows = rows[(rows["split"] == "test") & (rows["task"] == "translation")
                & ~rows["system"].str.contains("no target|baseline", regex=True)]
    pairs = rows["system"].str.contains(" - ", regex=False)
    scores = rows[(rows["metric"] == "bleu") & ~pairs]
    if not len(scores):
        return None
    lines = [f"{scores['max_train'].dropna().max():.0f} training records, {scores['n'].max()} test records, BLEU"]
    for pair, each in rows[pairs & rows["metric"].str.startswith("bleu, ")].groupby("system", sort=False):
        low, middle, high = (each[each["metric"] == f"bleu, {name}"]["value"] for name in ("low", "difference", "high"))
        same = ("higher for all seeds" if (low > 0).all() else "lower for all seeds" if (high < 0).all()
                else "no verdict that holds for all seeds")
        lines.append(f"{pair}: {middle.mean():+.1f} BLEU [{low.min():+.1f}, {high.max():+.1f}], {same}")
    return scores.groupby("system", sort=False)["value"].agg(["mean", "min", "max", "count"]).round(1), lines


def points(*studies: str) -> pandas.DataFrame:
    """The test rows of stored studies with each task's main metric, values in points, with the column "max_train"."""
    rows = pandas.concat([stored(name).table("max_train") for name in studies], ignore_index=True)
    rows = rows[(rows["split"] == "test") & (rows["metric"] == rows["task"].map(lambda task: TASKS[task].main_metric))]
    return rows.assign(value=rows["value"] * 100 / rows["metric"].map(lambda metric: SCORES[metric].scale))


def stages_table(tasks: Iterable[str]) -> pandas.DataFrame:
    """A row a task and stage of course-gpt2-m: what it had read, its loss, and the scores of prompts there, in points."""
    scores, log = points("checkpoints", "main").groupby(["task", "base", "system"])["value"], readings()["m"]["log"]
    columns = {"trained there": TWENTY, "carried from m": "prompt of course-gpt2-m", "reported words": "hard prompt, reported"}
    table = {}
    for task in tasks:
        for tokens, base in ((3, "course-gpt2-m-3M"), (8, "course-gpt2-m-8M"), (24, "course-gpt2-m-24M"), (96, "course-gpt2-m")):
            at = min(log, key=lambda row: abs(row["tokens"] - 1e6 * tokens))
            keys = {label: (task, base, system) for label, system in columns.items()}
            table[task.replace("_", " "), f"{tokens}M tokens" + " (m)" * (tokens == 96)] = {
                "loss on unseen pages": f"{at['validation_loss']:.2f}", "logged at": f"{at['tokens'] / 1e6:.1f}M",
                **{label: in_seeds(scores.get_group(key)) if key in scores.groups else "–" for label, key in keys.items()}}
    return pandas.DataFrame(table).T


def in_seeds(scores: Sequence[float]) -> str:
    """The mean of some runs, and how many they are."""
    return f"{numpy.mean(scores):.1f} ({number_of(len(scores), 'run')})"


def by_labels(task: str, every: int):
    """The scores of m, in points, grouped by system and number of labels, ``every`` where all were used."""
    rows = points("labels", "main")
    rows = rows[(rows["task"] == task) & (rows["base"] == "course-gpt2-m")]
    rows = rows[rows["system"].isin([FULL, "LoRA", TWENTY, "solved examples"])]
    rows = rows.assign(labels=rows["max_train"].fillna(every).astype(int))
    return rows.groupby(["system", "labels"])["value"]


def labels_table(few: Mapping) -> pandas.DataFrame:
    """A row a task and system, a column a number of labels: the mean of the seeds, their lowest and highest. ``few``: task ->
    what `by_labels` gives."""
    cells = {task.replace("_", " "): each.agg(lambda values: f"{values.mean():.1f} ({values.min():.1f} to {values.max():.1f})")
             for task, each in few.items()}
    return pandas.concat(cells, names=["task"]).unstack("labels").fillna("–")


def by_seed(few) -> dict[str, tuple[list[int], numpy.ndarray]]:
    """What `by_labels` gives as curves: system -> (numbers of labels, scores [seeds, numbers]); as many seeds as all have."""
    curves = {}
    for system in dict.fromkeys(name for name, _ in few.groups):
        labels = [count for name, count in few.groups if name == system]
        seeds = min(len(few.get_group((system, count))) for count in labels)
        if len(labels) > 1:
            curves[system] = labels, numpy.array([few.get_group((system, count)).iloc[:seeds] for count in labels]).T
    return curves


def labels_said(few, each: Sizes, every: int) -> list[str]:
    """20 tokens beside each other trained system: the paired test with all labels, and the seeds with the fewest labels for which
    both have `ENOUGH` runs."""
    lines, groups, task = [], few.groups, each.task.replace("_", " ")
    for system in (FULL, "LoRA"):
        if found := each.compare(("course-gpt2-m", TWENTY), ("course-gpt2-m", system)):
            lines.append(f"{task}, all labels, 20 tokens above {system}, paired test: {shown(found)}")
        counts = [count for name, count in groups if name == TWENTY and count < every
                  and min(len(groups[name, count]), len(groups.get((system, count), ()))) >= ENOUGH]
        if counts:
            ours, theirs = (few.get_group((name, min(counts))) for name in (TWENTY, system))
            word = "lie above" if ours.min() > theirs.max() else "lie below" if ours.max() < theirs.min() else "overlap with"
            lines.append(f"{task}, {min(counts):,} labels, seeds of 20 tokens ({ours.min():.1f} to {ours.max():.1f}) {word} "
                         f"those of {system} ({theirs.min():.1f} to {theirs.max():.1f})")
    return lines


def cost_table() -> pandas.DataFrame | None:
    """The study "cost": time of a step relative to full fine-tuning, and what it keeps, measured and by formula."""
    rows = stored("cost").table()
    names = {"step, of full fine-tuning": "seconds, of full fine-tuning", "saved activations, bytes": "MB kept",
             "saved activations by formula, bytes": "MB kept, by formula"}
    rows = rows[rows["metric"].isin(names)]
    if not len(rows):
        return None
    wide = rows.pivot_table(index=["base", "system"], columns="metric", values="value", sort=False).rename(columns=names)
    bases = sorted(set(rows["base"]), key=lambda base: get_shape(base).parameters)

    def place(each: tuple[str, str]) -> tuple[int, int]:   # prompts by length, then LoRA, then full fine-tuning
        length = re.search(r"\d+", each[1])
        return bases.index(each[0]), int(length[0]) if length else 1000 + (each[1] == FULL)

    wide = wide.loc[sorted(wide.index, key=place)].reindex(columns=list(names.values()))
    wide[["MB kept", "MB kept, by formula"]] /= 1e6
    return wide.round(2)


def cost_said(costs: pandas.DataFrame) -> list[str]:
    """The lowest and the highest time of 20 tokens and of LoRA in `cost_table`, of our models and of the others."""
    lines = []
    for title, ours in (("our models", True), ("the GPT-2 shapes", False)):
        spans = []
        for name, system in (("20 tokens", TWENTY), ("LoRA", "LoRA")):
            seconds = costs["seconds, of full fine-tuning"].items()
            found = [value for (base, its), value in seconds if its == system and (base in COURSE_MODELS) == ours]
            spans += [f"{name} {min(found):.0%} to {max(found):.0%}"] if found else []
        if spans:
            lines.append(f'the study "cost", time of a step on {title}, of full fine-tuning: {"; ".join(spans)}')
    return lines


H100_GB = 80   # memory of one card
CALCULATED = {"a task's file, MB": "{:,.2f}", "all files, GB": "{:,.3g}", "memory to train, GB": "{:,.3g}",
              "memory to serve, GB": "{:,.3g}", "first token, ms": "{:.3g}"}


def calculate(base: str = "gpt2", tasks: int = 10, prompt_length: int = 20) -> pandas.DataFrame:
    """A row a system: training it once, and serving all tasks on one H100, from one copy of the base if it can be shared."""
    table = calculator_table([base], tasks, prompt_length).set_index("system")
    found = pandas.DataFrame({name: table[name].map(form.format) for name, form in CALCULATED.items()})
    found.loc[table["memory to serve, GB"] > H100_GB, "first token, ms"] = "–"
    shape, batch = get_shape(base), Batch(8, 128, 28)
    for cached, title in ((False, "training paid after, examples not cached"), (True, "examples cached")):
        paid = {name: break_even(Cost(shape, name, prompt_length), 1000, 300, batch, cached=cached) for name in table.index}
        found[title] = [f"{paid[name]:,.0f}" if paid[name] < math.inf else "never" for name in table.index]
    return found


def dilemma(batch: Batch) -> tuple[pandas.DataFrame, int]:
    """What l with 20 tokens and m fully tuned take, and from how many tasks on l with its prompts takes less disk."""
    large, small = Cost(get_shape("course-gpt2-l"), "soft prompt"), Cost(get_shape("course-gpt2-m"), FULL)
    rows = {"file of the base, MB": (2 * large.shape.parameters / 1e6, 0.0),
            "file a task, MB": (large.stored_bytes / 1e6, small.stored_bytes / 1e6),
            "training step, GFLOP": (large.step_flops(batch) / 1e9, small.step_flops(batch) / 1e9),
            "memory to train, MB": (large.training_bytes(batch) / 1e6, small.training_bytes(batch) / 1e6),
            "a request, GFLOP": (large.request_flops(128, 28) / 1e9, small.request_flops(128, 28) / 1e9)}
    table = pandas.DataFrame(rows, index=["l with 20 tokens", "m, fully tuned"]).T
    table["l / m"] = table.iloc[:, 0] / table.iloc[:, 1].replace(0, math.nan)
    return table, math.ceil(table.iloc[0, 0] / (table.iloc[1, 1] - table.iloc[1, 0]))
