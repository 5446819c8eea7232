"""Measurements in worker processes: plans ask for runs, whoever is free takes the next, results go to disk as they come."""

from __future__ import annotations

import contextlib
import heapq
import multiprocessing
import os
import time
import traceback
import warnings
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from pathlib import Path

import further  # noqa: F401  its ways to measure, for the workers
from measures import Materials, Run, measure

from course_utils.progress import progress_bar
from course_utils.results import Study
from course_utils.tasks import get_task


class Done:
    """What a run gave, from disk or fresh: its rows and notes."""

    def __init__(self, run: Run, rows: list[dict], about: dict):
        self.run, self.rows, self.about = run, rows, about

    def values(self, split: str, metric: str) -> list[float]:
        """A metric's values on a split, in the order of the steps."""
        return [row["value"] for row in self.rows if (row["split"], row["metric"]) == (split, metric)]

    def loss(self) -> float:
        """The lowest validation loss; infinite where the training diverged."""
        return min(self.values("validation", "loss"), default=float("inf"))

    def score(self) -> tuple[float, float]:
        """What untrained systems are chosen by: the task's main metric on validation, then the loss; -inf for what did not fit."""
        scores = self.values("validation", get_task(self.run.experiment.task).main_metric)
        return (scores[-1], -self.loss()) if scores else (float("-inf"), float("-inf"))


Plan = Generator[list[Run], list[Done], None]


@dataclass
class Job:
    """A plan that needs no other: a generator that yields lists of runs and is sent what they gave. ``expected``: how many."""

    name: str
    plan: Plan
    expected: int
    asked: list[Run] = field(default_factory=list)   # of all rounds
    round: list[Run] = field(default_factory=list)
    finished: bool = False
    error: str = ""


class Results:
    """What the studies of a folder hold, read once, and where new runs are added."""

    def __init__(self, folder: Path):
        self.folder, self.known = folder, {}

    def of(self, study: str) -> dict[str, tuple[list[dict], dict]]:
        if study not in self.known:
            on_disk, rows = Study(study, self.folder), {}
            for row in on_disk.read():
                rows.setdefault(row["run"], []).append(row)
            self.known[study] = {each["run"]: (rows.get(each["run"], []), each) for each in on_disk.read("runs")}
        return self.known[study]

    def get(self, run: Run) -> Done | None:
        found = self.of(run.study).get(run.key)
        return Done(run, *found) if found else None

    def add(self, run: Run, result: dict) -> Done:
        known = self.of(run.study)
        Study(run.study, self.folder).add(run.key, run.config, result["rows"], result["predictions"], **result["about"])
        known[run.key] = (result["rows"], result["about"])
        return Done(run, *known[run.key])


def serve(pipe, threads: int | None) -> None:
    """The life of a worker: measure what comes through the pipe until None comes."""
    import torch

    from course_utils.base_models import quiet_libraries

    warnings.simplefilter("ignore")
    quiet_libraries()
    if threads:
        torch.set_num_threads(threads)
    materials = Materials()
    try:
        while (run := pipe.recv()) is not None:
            pipe.send(attempt(run, materials))
    except (EOFError, KeyboardInterrupt):   # the main process is gone, or told us to go
        return


def attempt(run: Run, materials: Materials) -> dict | str:
    """The result, or the traceback of what went wrong."""
    try:
        return measure(run, materials)
    except Exception:
        return traceback.format_exc()


class Worker:
    """A process and the run it is at."""

    def __init__(self, threads: int | None):
        context, self.threads, self.run = multiprocessing.get_context("spawn"), threads, None
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs, threads), daemon=True)
        self.process.start()
        theirs.close()

    def start(self, run: Run) -> None:
        self.run = run
        self.pipe.send(run)

    def result(self) -> dict | str:
        """What it sent; a line about its death if it died."""
        self.last, self.run = self.run, None
        try:
            return self.pipe.recv()
        except (EOFError, OSError):
            self.process.join(5)
            return f"the worker died (exit code {self.process.exitcode}): out of memory, or killed"

    def end(self) -> None:
        """Let an idle worker go; kill a busy one."""
        if self.run is None:
            with contextlib.suppress(OSError):
                self.pipe.send(None)
            self.process.join(10)
        self.process.kill()
        self.process.join()


class Scheduler:
    """Jobs side by side, the first ones first. A run that two jobs ask for is measured once, one that is on disk not at all."""

    def __init__(self, jobs: Iterable[Job], results: Results, log: Path):
        self.jobs, self.results, self.log = list(jobs), results, log
        self.queue: list[tuple[int, int, Run]] = []
        self.waiting: dict[tuple[str, str], list[Job]] = {}
        self.count, self.measured = 0, 0

    def advance(self, job: Job) -> None:
        """Go on with a job as far as results allow; put what it then asks for into the queue."""
        try:
            while True:
                done = [self.results.get(run) for run in job.round]
                if any(each is None for each in done):
                    break
                job.round = job.plan.send(done if job.asked else None)
                known = {(run.study, run.key) for run in job.asked}   # a search asks again for what it has tried
                job.asked += [run for run in job.round if (run.study, run.key) not in known]
        except StopIteration:
            job.finished = True
            return
        except Exception:
            self.fail(job, traceback.format_exc())
            return
        for run in job.round:
            key = (run.study, run.key)
            if self.results.get(run) is None and job not in self.waiting.setdefault(key, []):
                if not self.waiting[key]:
                    heapq.heappush(self.queue, (self.jobs.index(job), self.count, run))
                    self.count += 1
                self.waiting[key].append(job)

    def fail(self, job: Job, error: str) -> None:
        job.error = job.error or error
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("a", encoding="utf-8") as file:
            file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {job.name}\n{error}\n")

    def take(self, run: Run, result: dict | str) -> None:
        """What a worker sent: to disk, and on to the jobs that asked for it."""
        jobs = self.waiting.pop((run.study, run.key))
        if isinstance(result, dict):
            try:
                self.results.add(run, result)
                self.measured += 1
            except Exception:
                result = traceback.format_exc()
        for job in jobs:
            if isinstance(result, str):
                self.fail(job, f"{run.study}, {run.name}, seed {seed_of(run)}, {run.experiment}, {run.training}\n{result}")
            elif not job.error and all(self.results.get(each) for each in job.round):
                self.advance(job)

    def next_run(self) -> Run | None:
        """The next of the queue that a job still wants."""
        while self.queue:
            _, _, run = heapq.heappop(self.queue)
            if any(not job.error for job in self.waiting[run.study, run.key]):
                return run
            del self.waiting[run.study, run.key]
        return None

    def run(self, workers: int, threads: int | None, minutes: float | None = None, quiet: bool = False) -> None:
        """Until all is done or ``minutes`` are over, after which nothing new is started. ``workers=0``: in this process."""
        for job in self.jobs:
            self.advance(job)
        deadline = time.monotonic() + 60 * minutes if minutes is not None else float("inf")
        with progress_bar(total=1, description="studies", disable=quiet, unit="run") as bar:
            self.show(bar)
            if workers:
                self.run_beside(workers, threads, deadline, bar)
            else:
                materials = Materials()
                while time.monotonic() < deadline and (run := self.next_run()):
                    self.take(run, attempt(run, materials))
                    self.show(bar, run)

    def run_beside(self, workers: int, threads: int | None, deadline: float, bar) -> None:
        team = [Worker(threads) for _ in range(min(workers, max(1, len(self.queue) * 4)) if self.queue else 0)]
        try:
            while True:
                for worker in team:
                    if worker.run is None and time.monotonic() < deadline and (run := self.next_run()):
                        worker.start(run)
                busy = {worker.pipe: worker for worker in team if worker.run is not None}
                if not busy:
                    return
                for pipe in wait(list(busy)):
                    worker = busy[pipe]
                    result = worker.result()
                    if not worker.process.is_alive() and isinstance(result, str):
                        worker.end()
                        team[team.index(worker)] = Worker(threads)
                    self.take(worker.last, result)
                    self.show(bar, worker.last)
        finally:
            for worker in team:
                worker.end()

    def show(self, bar, run: Run | None = None) -> None:
        bar.total = sum(max(job.expected, len(job.asked)) if not job.finished else len(job.asked) for job in self.jobs)
        bar.n = sum(sum(self.results.get(run) is not None for run in job.asked) for job in self.jobs)
        done = self.results.get(run) if run else None
        if done:
            metric = get_task(run.experiment.task).main_metric
            found = [(split, name, value) for split, name in (("test", metric), ("validation", metric), ("validation", "loss"))
                     for value in done.values(split, name)[-1:]]
            what = f"{run.study} {run.experiment.task} {run.experiment.model.removeprefix('course-gpt2-')} {run.name[:40]}"
            bar.set_postfix_str(what + (", {} {} {:.4g}".format(*found[0]) if found else ""), refresh=False)
        bar.refresh()

    @property
    def failed(self) -> list[Job]:
        return [job for job in self.jobs if job.error]


def seed_of(run: Run) -> int | None:
    """The seed of a run's rows."""
    return run.training.seed if run.training else run.seed


def prepare_device(device: str, workers: int) -> int | None:
    """Choose the device for this process and those it starts; how many threads each may use (None: as many as there are)."""
    import torch

    if device == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    elif device == "cuda" and not torch.cuda.is_available():
        raise SystemExit("studies: error: --device cuda, and there is no CUDA device here")
    if workers > 1:
        os.environ |= {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
        return 1
    return None
