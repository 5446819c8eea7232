"""What the lesson on size needs out of sight: systems on four base models drawn over the same test records, figures by size, and
the first epoch of a stored run, trained again."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace

import matplotlib.pyplot as plt
import numpy
import pandas

from ..base_models import COURSE_MODELS
from ..experiment import Experiment, run
from ..metrics import SCORES
from ..results import Study
from ..shapes import get_shape
from ..tasks import TASKS, data_root
from ..training import TrainingConfig
from ..verdicts import DRAWS, TestRuns, Verdict
from .charts import _labels_at_the_right
from .drawing import INK, SIZE, SMALL, SOFT_INK, WIDTH, color_of, described, text_width
from .drawing import TASKS as TASK_KINDS

FULL, TWENTY, WRITTEN = "full fine-tuning", "soft prompt, 20 tokens", "hard prompt, best written"
NAMES = {WRITTEN: "best hand-written prompt"}   # in figures
FLOOR = 5.0   # points of 100: below, a percentage of a score is noise
SHORT = {name: name.removeprefix("course-gpt2-") for name in COURSE_MODELS}


def stored(name: str) -> Study:
    """One of the studies that ship with the course."""
    return Study(name, data_root() / "results")


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
        self.n = self.runs[known[0][0]].size(known[0][1])
        self.counts = self.runs[known[0][0]].counts(self.n, draws, numpy.random.default_rng(seed))

    def systems(self, base: str) -> list[str]:
        """Systems that have predictions on this base model."""
        rows = self.runs[base].rows
        return list(dict.fromkeys(rows[rows["run"].isin(self.runs[base].predictions)]["system"]))

    @functools.cache  # noqa: B019 - a lesson makes three of these
    def draws(self, base: str, system: str) -> numpy.ndarray:
        """The system's mean score in each draw of records and runs, in points."""
        generator = numpy.random.default_rng([self.seed, *map(ord, base + system)])   # runs are drawn apart from one another
        return self.unit * self.runs[base].draws(system, self.counts, generator)

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


def trend(sizes: Mapping[str, Sizes], first: str, second: str, share: bool = False) -> dict[str, tuple[Verdict | None, str]]:
    """task -> how the lead of ``first`` over ``second`` differs between the smallest and the largest size, and that in words.

    With ``share``: how what ``first`` reaches in percent of ``second`` differs, over the sizes where ``second`` is above `FLOOR`.
    """
    found = {}
    for task, each in sizes.items():
        bases = [base for base in each.runs if each.compare((base, first), (base, second))]
        bases = [base for base in bases if not share or each.can_divide_by(base, second)]
        if len(bases) < 2:
            found[task] = None, "measured on fewer than two sizes"
            continue
        change = (each.share_change if share else each.change)(first, second, bases[0], bases[-1])
        word = {"higher": "grows", "lower": "shrinks"}.get(change.verdict, "cannot be told to change")
        unit = "percent" if share else "points"
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
            points = [(get_shape(base).parameters, score) for base in each.runs if (score := each.score(base, system))]
            if not points:
                continue
            x, scores, color = [at for at, _ in points], [score for _, score in points], color_of(NAMES.get(system, system))
            means = [score["mean"] for score in scores]
            spans = [[score["mean"] - score["low"] for score in scores], [score["high"] - score["mean"] for score in scores]]
            ax.errorbar(x, means, yerr=numpy.maximum(spans, 0), color=color, linewidth=1.8, capsize=3, marker="o", markersize=4)
            for at, score in points:
                ax.plot([at] * len(score["seeds"]), score["seeds"], ".", color=INK, markersize=2.5, zorder=4)
            ends.append((means[-1], NAMES.get(system, system), color, x[-1]))
            said.append(f"{task}, {system}: " + ", ".join(f"{mean:.0f}" for mean in means))
        sizes_axis(ax, each)
        ax.set_title(f"{task.replace('_', ' ')}\n{SCORES[each.metric].label.removesuffix(', %')}", size=SIZE)
    _labels_at_the_right(figure, axes[0, -1], ends)
    axes[0, 0].set(ylim=(-2, 102), ylabel="points of 100")
    figure.supxlabel("parameters of the base model, logarithmic · bars: 95% intervals · dots: seeds", size=SMALL + 0.5,
                     color=SOFT_INK)
    return described(figure, f"Scores of 100 by size, from the smallest to the largest. {'; '.join(said)}.")


def sizes_axis(ax, each: Sizes) -> None:
    """A logarithmic axis of parameters with the sizes' names."""
    at = [get_shape(base).parameters for base in each.runs]
    ax.set(xscale="log", xlim=(at[0] / 1.5, at[-1] * 1.5))
    ax.set_xticks(at, [f"{SHORT[base]}\n{n / 1e6:.2f}M" for base, n in zip(each.runs, at, strict=True)], size=SMALL)
    ax.set_xticks([], minor=True)
    ax.tick_params(axis="y", labelsize=SMALL)


def difference_by_size(panels: Mapping[str, Mapping[tuple[str, str], Verdict]]):
    """A panel for each title: differences in points by size, a colour a task; hollow where the interval holds zero."""
    figure, axes = plt.subplots(1, len(panels), figsize=(WIDTH, 3.0), sharey=True, squeeze=False, layout="constrained")
    tasks = list(dict.fromkeys(task for found in panels.values() for task, _ in found))
    said = []
    for ax, (title, found) in zip(axes[0], panels.items(), strict=True):
        for n, task in enumerate(tasks):
            points = [(COURSE_MODELS.index(base) + 0.16 * (n - (len(tasks) - 1) / 2), verdict)
                      for (its, base), verdict in found.items() if its == task]
            color = TASK_KINDS[n].edge
            if points:
                ax.plot([x for x, _ in points], [each.difference for _, each in points], color=color, linewidth=1, alpha=0.6)
                said.append(f"{title}, {task}: " + ", ".join(f"{each.difference:+.0f}" for _, each in points))
            for x, each in points:
                apart = each.verdict != "cannot be told apart"
                ax.plot([x, x], each.interval, color=color, linewidth=1.6)
                ax.plot(x, each.difference, "o", color=color, markersize=6, markerfacecolor=color if apart else "white")
            ax.plot([], [], "o-", color=color, label=task.replace("_", " "))
        ax.axhline(0, color=INK, linewidth=0.8)
        ax.set_xticks(range(len(COURSE_MODELS)), SHORT.values())
        ax.set_xlim(-0.5, len(COURSE_MODELS) - 0.5)
        ax.set_title(title, size=SIZE)
    axes[0, 0].set_ylabel("points of 100")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=len(tasks), fontsize=SIZE)
    return described(figure, f"Differences by size, from xs to l, in points of 100. {'; '.join(said)}.")


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
