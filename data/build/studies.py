"""The studies of the course: what is measured, fairly and anew, into tidy results (`course_utils.results`) in data/results.

The rules. Every trained system gets the same search of its learning rate, on validation, by the lowest validation loss of one seed
(study "rates": a part of the records, fewer epochs, a winner never at the grid's edge), the same epochs with the same patience,
the same seeds. Words get theirs: the reported prompt, the best written one, solved examples, all chosen on validation (study
"words.tried"), and tokens found by discrete search with the passes of one soft prompt's training. The test records are looked at
once a run, after all choices. Started again, it goes on where it was stopped; what is there is not measured again.
"""

from __future__ import annotations

import argparse
import functools
import math
import os
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]
os.environ.setdefault("HF_HUB_OFFLINE", "1")

from measures import Run  # noqa: E402
from workers import Done, Job, Plan, Results, Scheduler, prepare_device  # noqa: E402

from course_utils.experiment import BASELINES, Experiment  # noqa: E402
from course_utils.lessons.bugs import BUGS  # noqa: E402
from course_utils.prompt_init import INITS  # noqa: E402
from course_utils.records import load_task_data  # noqa: E402
from course_utils.tasks import data_root, get_task  # noqa: E402
from course_utils.training import TrainingConfig  # noqa: E402

STYLES = {"main": "embedded", "control": "control"}   # study -> the records' target style
TASKS = ("question_answering", "summarization", "translation")   # the longest first
SCALE = ("course-gpt2-l", "course-gpt2-s", "course-gpt2-xs")   # course-gpt2-m is in the study "main"
COST_SHAPES = ("course-gpt2-xs", "course-gpt2-s", "course-gpt2-m", "course-gpt2-l", "gpt2", "gpt2-medium")
LADDER = [round(step * 10.0**power, 9) for power in range(-7, 2) for step in (1, 3)]   # learning rates, in factors of about 3
GRIDS = {   # kind of system -> the first four rates
    "soft prompt": (0.01, 0.03, 0.1, 0.3), "P-tuning": (1e-3, 3e-3, 0.01, 0.03), "prefix tuning": (3e-3, 0.01, 0.03, 0.1),
    "LoRA": (3e-4, 1e-3, 3e-3, 0.01), "full fine-tuning": (1e-4, 3e-4, 1e-3, 3e-3)}
EXTENSIONS = 3   # how often a grid may grow at each end
LENGTHS, SHOTS, LABELS = (1, 5, 20, 50, 100), (1, 2, 4), (10, 30, 100, 300, 1000)
DESIGN_RATES = (0.01, 0.03, 0.1, 0.3, 1.0)
SYSTEMS = [("soft prompt", length) for length in LENGTHS] + [("P-tuning", 20), ("prefix tuning", 20), ("LoRA", 20), ("full fine-tuning", 20)]
# In the control style with one seed: it asks for words against prompts, and these are more prompts.
ONCE = [("soft prompt", 5), ("soft prompt", 50), ("soft prompt", 100), ("P-tuning", 20), ("prefix tuning", 20)]
REPORTED, WRITTEN, EXAMPLES, SEARCHED = "hard prompt, reported", "hard prompt, best written", "solved examples, {}", "discrete search"


@dataclass(frozen=True)
class Settings:
    """What all studies share; the command's options."""

    tasks: tuple[str, ...] = TASKS
    models: tuple[str, ...] = SCALE
    model: str = "course-gpt2-m"
    seeds: tuple[int, ...] = (0, 1, 2)
    epochs: int = 8
    patience: int = 2
    max_train: int | None = None
    max_eval: int | None = None
    max_scored: int = 100
    search_train: int = 1000
    search_epochs: int = 3
    design_train: int = 1000
    design_epochs: int = 2
    draws: int = 2
    words_tried_on: int = 100   # validation records, outside of the study main
    labels: tuple[int, ...] = LABELS
    real_data: str | None = None

    def experiment(self, task: str, model: str | None = None, data: str = "embedded", **changes) -> Experiment:
        limits = {"max_train": self.max_train, "max_eval": self.max_eval, "max_scored": self.max_scored}
        return Experiment(task, model or self.model, data=data, **{**limits, **changes})

    def few(self, experiment: Experiment) -> int:
        """On how many validation records words are tried, outside of the study main."""
        return min(self.words_tried_on, experiment.max_eval or self.words_tried_on)

    def training(self, **changes) -> TrainingConfig:
        return TrainingConfig(**{"epochs": self.epochs, "patience": self.patience, "eval_batch_size": 128, **changes})

    def search(self, experiment: Experiment, training: TrainingConfig) -> tuple[Experiment, TrainingConfig]:
        """A part of the records and fewer epochs; answers are not needed, because the loss decides."""
        part = min(self.search_train, self.max_train or self.search_train)
        epochs = min(self.search_epochs, training.epochs)
        return replace(experiment, max_train=part, max_scored=0), replace(training, epochs=epochs, seed=0)


# ---- choices, all on validation


def rate_search(s: Settings, experiment: Experiment, training: TrainingConfig):
    """A plan's part that ends with ``training`` at its best learning rate: `GRIDS`, and more where the best is at an edge."""
    grid, experiment, searching = list(GRIDS[experiment.system]), *s.search(experiment, training)
    if experiment.model == "smollm2" and experiment.system == "full fine-tuning":
        grid = [rate / 10 for rate in grid]
    low, high = (nearest(rate) for rate in (grid[0], grid[-1]))
    first = (low, high)
    while True:
        rates = LADDER[low : high + 1]
        done = yield [Run("rates", experiment, replace(searching, learning_rate=rate), test=False, detail="best") for rate in rates]
        losses = [each.loss() for each in done]
        best = low + losses.index(min(losses))
        if not math.isfinite(min(losses)):
            raise ValueError(f"{experiment.system} diverged at every rate of {rates}")
        if best == low and low > max(0, first[0] - EXTENSIONS):
            low -= 1
        elif best == high and high < min(len(LADDER) - 1, first[1] + EXTENSIONS):
            high += 1
        else:
            return replace(training, learning_rate=LADDER[best])


def nearest(rate: float) -> int:
    """The place of a rate on the ladder."""
    return min(range(len(LADDER)), key=lambda i: abs(math.log(LADDER[i] / rate)))


# ---- plans: one for each job


def trained(s: Settings, study: str, experiment: Experiment, **more) -> Plan:
    """Search the rate, then every seed."""
    training = yield from rate_search(s, experiment, s.training())
    yield [Run(study, experiment, replace(training, seed=seed), **more) for seed in s.seeds]


def searched(s: Settings, study: str, experiment: Experiment, **more) -> Plan:
    """Tokens by discrete search, with the record-forwards of a soft prompt's epochs; it has no rate.

    No patience: an epoch is a few of its steps (16 prompts are tried in each), and two of those without gain say little.
    """
    experiment = replace(experiment, system=SEARCHED, prompt_length=20)
    yield [Run(study, experiment, s.training(seed=seed, patience=None), **more) for seed in s.seeds]


def words(s: Settings, study: str, experiment: Experiment, **more) -> Plan:
    """Baselines, the reported prompt, and the written one that does best on validation."""
    hard = replace(experiment, system="hard prompt")
    written = get_task(experiment.task).hand_written
    part = experiment.max_eval if study == "main" and experiment.model == s.model else s.few(experiment)
    tried = yield [Run("words.tried", replace(hard, hard_prompt=prompt, max_eval=part), test=False, detail="best") for prompt in written]
    best = max(tried, key=Done.score).run.experiment.hard_prompt
    yield [Run(study, replace(experiment, system=BASELINES)), Run(study, hard, label=REPORTED, **more),
           Run(study, replace(hard, hard_prompt=best), label=WRITTEN, **more)]


def in_context(s: Settings, study: str, experiment: Experiment, best_only: bool = False, **more) -> Plan:
    """Solved examples: for each seed draws of training records, chosen on validation. ``best_only``: of 1, 2 and 4 the best."""
    hard = replace(experiment, system="hard prompt")
    part = replace(hard, max_eval=s.few(experiment))
    tries = {(seed, shots): [Run("words.tried", part, label=EXAMPLES.format(shots), seed=seed, test=False, detail="best", kind="examples",
                                 options={"shots": shots, "draw": draw}) for draw in range(s.draws)]
             for seed in s.seeds for shots in SHOTS}
    done = yield [run for runs in tries.values() for run in runs]
    found = {each.run.key: each for each in done}
    best = {key: max((found[run.key] for run in runs), key=Done.score) for key, runs in tries.items()}
    best = {key: each for key, each in best.items() if each.rows}   # the others did not fit
    if best_only:
        best = {seed: max((each for (its, _), each in best.items() if its == seed), key=Done.score)
                for seed in dict.fromkeys(seed for seed, _ in best)}
    label = {"label": "solved examples"} if best_only else {}
    yield [replace(each.run, study=study, experiment=hard, test=True, detail="steps", **label, **more) for each in best.values()]


# ---- studies: their jobs, what matters and what takes longest first


def compare(s: Settings, study: str, task: str, model: str, data: str, systems, with_examples: bool, once=()) -> list[Job]:
    """Systems on one task and model, with words beside them. ``systems``: names and prompt lengths; those also in ``once``: one seed."""
    experiment, tried, more = s.experiment(task, model, data), len(get_task(task).hand_written), {"predictions": True}
    name, seeds = f"{study} {task} {model}", len(s.seeds)
    jobs = [Job(f"{name} words", words(s, study, experiment, **more), tried + 3)]
    if with_examples:
        jobs.append(Job(f"{name} examples", in_context(s, study, experiment, **more), seeds * len(SHOTS) * (s.draws + 1)))
    jobs.append(Job(f"{name} {SEARCHED}", searched(s, study, experiment, **more), seeds))
    for system, length in systems:
        own = replace(experiment, system=system, prompt_length=length)
        its = replace(s, seeds=s.seeds[:1]) if (system, length) in once else s
        jobs.append(Job(f"{name} {own.label}", trained(its, study, own, **more), 4 + len(its.seeds)))
    return jobs


def main_study(s: Settings) -> list[Job]:
    """All systems x tasks x course-gpt2-m, in the course's style and in the control style (study "control")."""
    once = {"control": ONCE}
    return [job for study, data in STYLES.items() for task in s.tasks
            for job in compare(s, study, task, s.model, data, SYSTEMS, True, once.get(study, ()))]


def scale(s: Settings) -> list[Job]:
    """1 and 20 tokens, LoRA, full fine-tuning and words, by size. Those of course-gpt2-m are in "main"."""
    systems = [("soft prompt", 20), ("full fine-tuning", 20), ("LoRA", 20), ("soft prompt", 1)]
    return [job for model in s.models for task in s.tasks
            for job in compare(s, "main" if model == s.model else "scale", task, model, "embedded", systems, False)]


def as_reported(s: Settings) -> list[Job]:
    """One token, batches of one, ten epochs, with all losses and scores of every epoch and the batches a second."""
    def plan(task: str) -> Plan:
        experiment = s.experiment(task, prompt_length=1)
        training = TrainingConfig.as_reported(eval_batch_size=128, **({"epochs": 1} if s.epochs == 1 else {}))
        training = yield from rate_search(s, experiment, training)
        yield [Run("as_reported", experiment, replace(training, seed=seed), detail="all") for seed in s.seeds]

    return [Job(f"as_reported {task}", plan(task), 4 + len(s.seeds)) for task in s.tasks]


def labels(s: Settings) -> list[Job]:
    """From 10 to 1000 training records, gone through so often that an epoch has as many steps as with all of them. Those with all
    records are in "main", and so are the rates: the search of "main" is not repeated for every number of records. All numbers on
    translation, every second one on the other tasks."""
    def plan(experiment: Experiment) -> Plan:
        training = yield from rate_search(s, experiment, s.training())
        full = len(records(experiment.task, experiment.data)["train"])
        full = min(full, s.max_train or full)
        sizes = [size for size in numbers(experiment.task) if size < full]
        yield [Run("labels", replace(experiment, max_train=size, repeat=-(-full // size), max_new_tokens=limit(experiment.task)),
                   replace(training, seed=seed), detail="best") for size in sizes for seed in s.seeds]

    def limit(task: str) -> int:
        return get_task(task).max_new_tokens   # not from ten targets

    def numbers(task: str) -> tuple[int, ...]:
        return s.labels if task == "translation" else s.labels[::2]

    jobs = []
    for task in s.tasks:
        for system in ("full fine-tuning", "soft prompt", "LoRA"):
            experiment = s.experiment(task, system=system)
            jobs.append(Job(f"labels {task} {experiment.label}", plan(experiment), 4 + len(numbers(task)) * len(s.seeds)))
        for size in numbers(task):
            experiment = s.experiment(task, max_train=size, max_new_tokens=limit(task))
            expected = len(s.seeds) * (len(SHOTS) * min(s.draws, 2) + 1)
            fewer = replace(s, draws=min(s.draws, 2))
            jobs.append(Job(f"labels {task} examples of {size}", in_context(fewer, "labels", experiment, best_only=True), expected))
    return jobs


def design(s: Settings) -> list[Job]:
    """Length x start x learning rate, by the validation loss alone: what it leads to are defaults, and they are a choice. One seed
    at every rate; the others where a start does best, because that is where starts lie close together."""
    def plan(experiment: Experiment) -> Plan:
        def runs(rate: float, seeds: Iterable[int]) -> list[Run]:
            training = TrainingConfig(epochs=s.design_epochs, learning_rate=rate, eval_batch_size=128)
            return [Run("design", experiment, replace(training, seed=seed), test=False, detail="best") for seed in seeds]

        done = yield [run for rate in DESIGN_RATES for run in runs(rate, s.seeds[:1])]
        yield runs(min(done, key=Done.loss).run.training.learning_rate, s.seeds[1:])

    part = min(s.design_train, s.max_train or s.design_train)
    return [Job(f"design {task} {length} {init}",
                plan(replace(s.experiment(task, prompt_length=length, prompt_init=init, max_train=part), max_scored=0)),
                len(DESIGN_RATES) + len(s.seeds) - 1)
            for task in ("translation", "summarization") if task in s.tasks for length in (20, 1, 100, 5) for init in INITS]


# ---- studies that go beyond one experiment (see `further`)


def soft_run(s: Settings, task: str, seed: int, length: int = 20, study: str = "main", **more):
    """A plan's part that ends with the run of "main" that trains a soft prompt with that seed, to be asked for."""
    experiment = s.experiment(task, prompt_length=length)
    training = yield from rate_search(s, experiment, s.training())
    return Run(study, experiment, replace(training, seed=seed), predictions=study == "main", **more)


def transfer(s: Settings) -> list[Job]:
    """SPoT: prompts of 20 tokens that start from another task's, where records are scarce (100), beside those from "vocab"."""
    def plan(task: str) -> Plan:
        sources = {}
        for other in (each for each in s.tasks if each != task):
            for seed in s.seeds:
                sources[other, seed] = yield from soft_run(s, other, seed)
        own = yield from soft_run(s, task, 0)
        yield list(sources.values())
        few = replace(own.experiment, max_train=min(100, s.max_train or 100), repeat=10)
        yield [Run("transfer", few, replace(own.training, seed=seed), label="from vocabulary") for seed in s.seeds] + [
            Run("transfer", few, replace(own.training, seed=seed), label=f"from {other}", kind="transfer", options={"source": source})
            for (other, seed), source in sources.items()]

    return [Job(f"transfer {task}", plan(task), 10 * len(s.seeds)) for task in s.tasks if len(s.tasks) > 1]


def ensemble(s: Settings) -> list[Job]:
    """Five prompts of 20 tokens, by vote and by average, beside the best of them on validation."""
    def plan(task: str) -> Plan:
        members = []
        for seed in range(5):
            members.append((yield from soft_run(s, task, seed, study="main" if seed in s.seeds else "ensemble")))
        yield members
        experiment = members[0].experiment
        yield [Run("ensemble", experiment, label="ensemble", kind="ensemble", options={"members": members})]

    return [Job(f"ensemble {task}", plan(task), 10) for task in s.tasks]


def distillation(s: Settings) -> list[Job]:
    """The best solved examples as 5 and 20 vectors, without a target."""
    def plan(task: str) -> Plan:
        *_, done = yield from collected(in_context(s, "main", s.experiment(task), predictions=True))
        shown = [each for each in done if each.about.get("hard_prompt")]
        if not shown:
            return
        own = yield from soft_run(s, task, 0)
        words = max(shown, key=lambda each: each.run.options["shots"]).about["hard_prompt"]
        part = min(1000, s.max_train or 1000)
        training = replace(own.training, epochs=max(1, s.epochs // 2), patience=None)
        yield [Run("distillation", replace(own.experiment, prompt_length=length, max_train=part), replace(training, seed=seed),
                   label=f"distilled, {length} tokens", kind="distillation", options={"teacher": words}, detail="all")
               for length in (20, 5) for seed in s.seeds]

    return [Job(f"distillation {task}", plan(task), 6 + len(s.seeds) * len(SHOTS) * (s.draws + 1)) for task in s.tasks]


def collected(plan: Plan):
    """What each round of a plan gave, as a list at its end."""
    found, asked = [], next(plan)
    while True:
        found.append((yield asked))
        try:
            asked = plan.send(found[-1])
        except StopIteration:
            return found


def bugs(s: Settings) -> list[Job]:
    """Eight bugs and none, all trained alike (20 tokens, 2 seeds); the first and none also as reported (1 token, batches of 1)."""
    def plan(task: str) -> Plan:
        own = yield from soft_run(s, task, 0)
        part = replace(own.experiment, max_train=min(1000, s.max_train or 1000), max_scored=min(50, s.max_scored))
        training, seeds = replace(own.training, epochs=min(5, s.epochs), patience=None), s.seeds[:2]
        one = replace(part, prompt_length=1)
        reported = TrainingConfig.as_reported(eval_batch_size=64, learning_rate=0.1, epochs=min(4, s.epochs))
        yield [Run("bugs", experiment, replace(settings, seed=seed), label=label.format(bug or "no bug"), kind="bug",
                   options={"bug": bug}, detail="all")
               for experiment, settings, names, label in ((part, training, ("", *BUGS), "{}"),
                                                           (one, reported, ("no target fed in", ""), "{}, as reported"))
               for bug in names for seed in seeds]
        yield [Run("bugs", replace(part, system="hard prompt"), label="no target fed in, hard prompt", kind="hard_prompt_with_first_bug")]

    return [Job(f"bugs {task}", plan(task), 27) for task in s.tasks]


def real(s: Settings) -> list[Job]:
    """SmolLM2 on public data in --real-data, a folder for each task: the reported prompts, 1 and 20 tokens, LoRA, and the first bug.
    Only numbers are kept: scores, and differences with paired intervals."""
    def plan(task: str, folder: Path) -> Plan:
        base = Experiment(task, "smollm2" if s.model == Settings.model else s.model, data=str(folder), max_train=s.max_train or 2000,
                          max_eval=s.max_eval or 300, max_scored=0, max_source_tokens=400)
        runs = [Run("real", replace(base, system="hard prompt"), label=REPORTED, kind="public")]
        for system, length in (("soft prompt", 1), ("soft prompt", 20), ("LoRA", 20)):
            experiment = replace(base, system=system, prompt_length=length)
            training = yield from rate_search(replace(s, search_train=400, search_epochs=2), experiment,
                                              s.training(epochs=min(s.epochs, 6), eval_batch_size=32))
            runs += [Run("real", experiment, replace(training, seed=seed), kind="public") for seed in s.seeds]
        yield [Run("real", replace(base, system=BASELINES)), *runs]
        yield [Run("real", base, label=f"{run.name} - {other.name}", seed=run.training.seed if run.training else None, kind="pairs",
                   options={"first": run, "second": other}, detail="all")
               for i, run in enumerate(runs) for other in runs[:i]
               if run.name != other.name and (not other.training or other.training.seed == run.training.seed)]
        one = replace(base, prompt_length=1, max_scored=min(30, s.max_scored), max_train=min(400, base.max_train), max_eval=min(60, base.max_eval))
        reported = TrainingConfig.as_reported(epochs=1, learning_rate=0.1, eval_batch_size=32)
        yield [Run("real", replace(one, system="hard prompt"), label="no target fed in, hard prompt", kind="hard_prompt_with_first_bug"),
               *(Run("real", one, replace(reported, seed=seed), label="no target fed in, 1 token", kind="bug",
                     options={"bug": "no target fed in"}, detail="all") for seed in s.seeds)]

    if not s.real_data:
        print("studies: real needs --real-data FOLDER with a folder for each task; left out", file=sys.stderr)
        return []
    folders = {task: Path(s.real_data) / task for task in s.tasks}
    return [Job(f"real {task}", plan(task, folder), 60) for task, folder in folders.items() if folder.is_dir()]


def checkpoints(s: Settings) -> list[Job]:
    """Prompts of 20 tokens on course-gpt2-m as it was when it had read less: trained there, and trained on m and carried there."""
    def plan(task: str, folder: Path) -> Plan:
        sources = []
        for seed in s.seeds:
            sources.append((yield from soft_run(s, task, seed)))
        yield sources
        there = replace(sources[0].experiment, model=str(folder), base_dtype="float32")
        yield [*(Run("checkpoints", there, each.training) for each in sources),
               *(Run("checkpoints", there, label="prompt of course-gpt2-m", seed=each.training.seed, kind="carried",
                     options={"source": each}) for each in sources),
               Run("checkpoints", replace(there, system="hard prompt"), label=REPORTED)]

    folders = sorted(each for each in (data_root() / "base_models").glob(f"{s.model}-*") if (each / "config.json").exists())
    return [Job(f"checkpoints {folder.name} {task}", plan(task, folder), 4 + 3 * len(s.seeds) + 1) for folder in folders for task in s.tasks]


def cost(s: Settings) -> list[Job]:
    """Parameters, bytes, operations, and measured memory and time of a step, by size and by prompt length (see `costs`). Times want
    an idle machine: run it alone, with --workers 1."""
    def plan(shape: str) -> Plan:
        yield [Run("cost", Experiment("summarization", shape), kind="cost", detail="all",
                   options={"shape": shape, "rounds": 1 if s.epochs == 1 else 5})]

    shapes = COST_SHAPES[:2] if s.epochs == 1 else COST_SHAPES
    return [Job(f"cost {shape}", plan(shape), 1) for shape in shapes]


@functools.cache
def records(task: str, data: str):
    """The records of a task."""
    return load_task_data(task, data)


STUDIES = {"main": main_study, "as_reported": as_reported, "scale": scale, "labels": labels, "design": design,
           "transfer": transfer, "ensemble": ensemble, "distillation": distillation, "bugs": bugs, "checkpoints": checkpoints,
           "real": real, "cost": cost}
QUICK = {"seeds": (0,), "epochs": 1, "max_train": 32, "max_eval": 8, "max_scored": 4, "search_train": 16, "search_epochs": 1,
         "design_train": 16, "design_epochs": 1, "draws": 1, "labels": (10,)}


# ---- the command


def listing(scheduler: Scheduler) -> str:
    """What is done, what is missing and the seconds that each took, a line a job."""
    lines = []
    for job in scheduler.jobs:
        scheduler.advance(job)
        done = [found for run in job.asked if (found := scheduler.results.get(run))]
        seconds = sum(each.about.get("wall_seconds", 0) for each in done)
        missing = 0 if job.finished else max(job.expected, len(job.asked)) - len(done)
        lines.append(f"{len(done):4} done {missing:4} missing {seconds:8.0f} s  {job.name}")
    return "\n".join(lines)


def notes_on(scheduler: Scheduler) -> Iterable[str]:
    """What whoever reads the results should know: diverged runs, examples that did not fit, winners at an edge of the grid."""
    seen = {}
    for job in scheduler.jobs:
        for run in job.asked:
            if (found := scheduler.results.get(run)) and (why := found.about.get("diverged") or found.about.get("skipped")):
                where = f"{run.study} {run.experiment.task} {run.experiment.model} {run.name}"
                rate = f", rate {run.training.learning_rate:g}" if run.training else ""
                seen[f"{where}{rate}: {why}"] = None
    return seen


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="studies", description=__doc__.split("\n")[0], allow_abbrev=False)
    parser.add_argument("names", nargs="*", metavar="STUDY", help=f"{', '.join(STUDIES)}; if none is named: all")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="processes side by side; 0: this one (default: %(default)s)")
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--model", default=Settings.model, help="of main, labels, design and as_reported (default: %(default)s)")
    parser.add_argument("--models", nargs="+", default=list(SCALE), help="of scale, smollm2 too (default: %(default)s)")
    parser.add_argument("--seeds", nargs="+", type=int, default=list(Settings.seeds))
    parser.add_argument("--epochs", type=int, default=Settings.epochs, help="at most, of final runs (default: %(default)s)")
    parser.add_argument("--max-train", type=int, help="training records (default: all)")
    parser.add_argument("--minutes", type=float, help="start nothing new after so many; what is done is on disk")
    parser.add_argument("--folder", type=Path, help="where results go (default: data/results)")
    parser.add_argument("--real-data", help="folder with public data of the study real")
    parser.add_argument("--first", nargs="+", default=[], metavar="REGEX", help="jobs whose names match go first, in this order")
    parser.add_argument("--only", default="", metavar="REGEX", help="only jobs whose names match")
    parser.add_argument("--list", action="store_true", help="what is done, what is missing, seconds; measures nothing")
    parser.add_argument("--notes", action="store_true", help="with the list: what diverged or did not fit")
    parser.add_argument("--quick", action="store_true", help="a handful of records, into build/studies: does everything run?")
    args = parser.parse_args(argv)
    if unknown := set(args.names) - set(STUDIES):
        parser.error(f"unknown study {', '.join(unknown)}: expected some of {', '.join(STUDIES)}")
    folder = args.folder or ROOT / ("build/studies" if args.quick else "data/results")
    s = Settings(tuple(args.tasks), tuple(args.models), args.model, tuple(args.seeds), args.epochs, max_train=args.max_train,
                 real_data=args.real_data)
    s = replace(s, **QUICK) if args.quick else s
    threads = prepare_device(args.device, args.workers)
    jobs = [job for name in args.names or STUDIES for job in STUDIES[name](s)]
    jobs = [job for job in jobs if re.search(args.only, job.name)]
    jobs.sort(key=lambda job: next((i for i, each in enumerate(args.first) if re.search(each, job.name)), len(args.first)))
    log = ROOT / "build" / "studies.log"
    scheduler = Scheduler(jobs, Results(folder), log)
    if args.list:
        print(listing(scheduler))
        if args.notes:
            print(*notes_on(scheduler), sep="\n")
        return 0
    try:
        scheduler.run(args.workers, threads, args.minutes)
    except KeyboardInterrupt:
        print("interrupted; what was measured is on disk", file=sys.stderr)
        return 130
    left = sum(not job.finished and not job.error for job in jobs)
    print(f"{scheduler.measured} runs measured into {folder}; {sum(job.finished for job in jobs)} of {len(jobs)} jobs done"
          + (f", {left} to go on with" if left else ""))
    for job in scheduler.failed:
        print(f"failed: {job.name}: {job.error.strip().splitlines()[-1]}", file=sys.stderr)
    if scheduler.failed:
        print(f"{len(scheduler.failed)} jobs failed; tracebacks in {log}", file=sys.stderr)
    return int(bool(scheduler.failed))


if __name__ == "__main__":
    sys.exit(main())
