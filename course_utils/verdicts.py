"""What a study's results are worth: scores with their spread, and whether one system is better than another.

Two things could have come out otherwise: which records are in the test, and which seeds the systems were trained with. So every
interval here holds both. Each draw takes as many test records, with replacement and the same ones for all systems (a paired
bootstrap, Koehn 2004). To a system's mean over k runs it adds the mean's standard error over runs times a draw from Student's t
with k - 1 degrees of freedom (the Behrens-Fisher problem, in Fisher's way). With three runs that is wide where seeds differ: so
few of them say little about their spread. A system with one run, such as a written prompt, brings the records alone. What was
chosen before (rate, prompt, examples) counts as given.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy
import pandas

from .metrics import SCORES, claim_of, find_metric, record_statistics, verdict_of
from .records import load_task_data
from .results import Study
from .tasks import get_task

DRAWS = 4000   # ends of intervals then move by about a fiftieth of the interval from seed to seed


@dataclass(frozen=True)
class Verdict:
    """How much ``first`` scores above ``second`` on the mean of its seeds, with the 95% interval (low, high).

    ``seeds``: the runs of each. ``n``: test records.
    """

    first: str
    second: str
    metric: str
    difference: float
    interval: tuple[float, float]
    seeds: tuple[int, int]
    n: int

    @property
    def verdict(self) -> str:
        """Whether ``first`` is "higher" or "lower"; where the interval holds 0, both "cannot be told apart"."""
        return verdict_of(*self.interval)

    @property
    def claim(self) -> str:
        """What this says of the claim that ``first`` scores above ``second``."""
        return claim_of(self.verdict)

    def __str__(self) -> str:
        digits, (low, high) = SCORES[self.metric].digits, self.interval
        return (f"{self.first} is {self.verdict} than {self.second}" if low > 0 or high < 0
                else f"{self.first} and {self.second} cannot be told apart") + (
            f": {SCORES[self.metric].label} {self.difference:+.{digits}f} [{low:+.{digits}f}, {high:+.{digits}f}]")


class TestRuns:
    """The runs of a study on one task and base model that have predictions, and their references.

    ``where`` narrows them down by their configuration, such as ``max_train=100``.
    """

    __test__ = False  # pytest: no tests in here

    def __init__(self, study: Study, task: str, base: str, metric: str | None = None, references=None, **where):
        self.task = get_task(task)
        self.metric, self.study, self.base = metric or self.task.main_metric, study, base
        self.column = find_metric(self.metric).keys.index(self.metric)
        rows = study.table(*where)
        rows = rows[(rows["task"] == self.task.name) & (rows["base"] == base) & (rows["split"] == "test")]
        for name, value in where.items():
            rows = rows[rows[name] == value]
        self.rows = rows[rows["metric"] == self.metric]
        self.predictions = {each["run"]: each["predictions"] for each in study.read("predictions")}
        self.configs = {each["run"]: each["config"] for each in study.read("runs")}
        self.given, self.tables, self.references = references, {}, {}

    def answers(self) -> dict[str, list[list[str]]]:
        """system -> for each of its runs what it wrote for the test records; without systems that have no predictions."""
        found: dict[str, list[list[str]]] = {}
        for system, run in zip(self.rows["system"], self.rows["run"], strict=True):
            if run in self.predictions:
                found.setdefault(system, []).append(self.predictions[run])
        return found

    def runs_of(self, system: str) -> list[str]:
        """The runs of a system that have predictions; ValueError that lists the systems if there are none."""
        rows = self.rows[self.rows["system"] == system]
        runs = [run for run in dict.fromkeys(rows["run"]) if run in self.predictions]
        if not runs:
            known = ", ".join(self.answers()) or "none"
            raise ValueError(f"study {self.study.name!r} has no predictions of {system!r} for {self.task.name} with {self.base}; "
                             f"there are: {known}")
        return runs

    def references_of(self, run: str) -> list[list[str]]:
        """The test's accepted targets, as the run's configuration says where they are."""
        config = self.configs[run]
        key = tuple(config.get(name) for name in ("data", "max_eval", "test_from"))
        if self.given is not None:
            return self.given
        if key not in self.references:
            data, max_eval, test_from = key
            records = load_task_data(self.task, data or "embedded", max_eval=max_eval, test_from=test_from)["test"]
            self.references[key] = [self.task.references(record) for record in records]
        return self.references[key]

    def table(self, run: str):
        """`metrics.record_statistics` of a run's predictions, which must give the score that is stored."""
        if run not in self.tables:
            references = self.references_of(run)
            table = record_statistics(self.metric, self.predictions[run], references, self.task.language)
            score, stored = table[1](table[0].sum(0))[self.column], self.rows[self.rows["run"] == run]["value"].iloc[0]
            if abs(score - stored) > 1e-4 * max(1, abs(stored)):
                raise ValueError(f"run {run} of study {self.study.name!r} has {self.metric} {stored:g}, and its predictions give "
                                 f"{score:g}: the test records are others than those it was measured on; measure it again")
            self.tables[run] = table
        return self.tables[run]

    @functools.cache  # noqa: B019 - lessons make few of these, and ask for each system many times
    def draws(self, system: str, draws: int = DRAWS, seed: int = 0) -> numpy.ndarray:
        """The mean score of a system's runs in each draw, [draws]: records as for all systems, runs as this module says."""
        n, k = self.size(system), len(self.runs_of(system))
        self.require_size(system, n)
        counts = numpy.random.default_rng(seed).multinomial(n, numpy.full(n, 1 / n), size=draws)  # how often each record is drawn
        scores = [[score(sums)[self.column] for sums in counts @ rows] for rows, score in map(self.table, self.runs_of(system))]
        mean = numpy.mean(scores, axis=0)
        if k == 1:
            return mean
        own = numpy.random.default_rng([seed, *f"{self.base} {system}".encode()])  # runs are drawn apart from other systems'
        return mean + numpy.std(self.score(system), ddof=1) / k**0.5 * own.standard_t(k - 1, size=draws)

    def score(self, system: str) -> list[float]:
        """Each run's score."""
        return [score(rows.sum(0))[self.column] for rows, score in (self.table(run) for run in self.runs_of(system))]

    def size(self, system: str) -> int:
        """Test records."""
        return len(self.table(self.runs_of(system)[0])[0])

    def require_size(self, system: str, n: int) -> None:
        """ValueError unless each run of the system was tested on ``n`` records, as what it is compared with was."""
        for run in self.runs_of(system):
            if (found := len(self.table(run)[0])) != n:
                raise ValueError(f"{system!r} was tested on {found} records, others on {n}: no pairs")


def verdict(
    study: Study, task: str, base: str, first: str, second: str, metric: str | None = None, draws: int = DRAWS, seed: int = 0,
    runs: TestRuns | None = None, **where,
) -> Verdict:
    """Whether ``first`` scores "higher" or "lower" than ``second``, or both "cannot be told apart", over test records and seeds.

    ``first`` and ``second`` are values of the rows' ``system``; ``metric`` defaults to the task's main one; ``where`` is as in
    `TestRuns`. How: see this module. ValueError for a system without predictions, or if the test records have changed.
    """
    runs = runs or TestRuns(study, task, base, metric, **where)
    n = runs.size(first)
    runs.require_size(second, n)
    low, high = numpy.quantile(runs.draws(first, draws, seed) - runs.draws(second, draws, seed), (0.025, 0.975)).tolist()
    difference = float(numpy.mean(runs.score(first)) - numpy.mean(runs.score(second)))
    seeds = (len(runs.runs_of(first)), len(runs.runs_of(second)))
    return Verdict(first, second, runs.metric, difference, (low, high), seeds, n)


def summary_table(
    study: Study, task: str, base: str, metric: str | None = None, against: str | None = None, draws: int = DRAWS, seed: int = 0,
    **where,
) -> pandas.DataFrame:
    """A row for each system of a study on a task and base model.

    system, mean (over seeds), std (over seeds; NaN for one), low and high (95%, over test records and seeds), seeds, n, and with
    ``against``, a system's name: difference, its low and high, and the verdict. A system without stored predictions has no
    intervals and no verdict. The order is that of the rows.
    """
    runs = TestRuns(study, task, base, metric, **where)
    found = []
    for system, rows in runs.rows.groupby("system", sort=False):
        line: dict = {"system": system, "mean": rows["value"].mean(), "std": rows["value"].std(), "low": None, "high": None,
                      "seeds": len(rows), "n": int(rows["n"].iloc[0])}
        if set(rows["run"]) <= set(runs.predictions) and rows["run"].nunique() == len(rows):
            line["low"], line["high"] = numpy.quantile(runs.draws(system, draws, seed), (0.025, 0.975)).tolist()
            line |= against_row(runs, study, system, against, draws, seed) if against and system != against else {}
        found.append(line)
    return pandas.DataFrame(found)


def against_row(runs: TestRuns, study: Study, system: str, against: str, draws: int, seed: int) -> Mapping:
    """The columns of `summary_table` about another system."""
    found = verdict(study, runs.task.name, runs.base, system, against, draws=draws, seed=seed, runs=runs)
    low, high = found.interval
    return {"difference": found.difference, "difference_low": low, "difference_high": high, "verdict": found.verdict}
