"""One run of a study, as a worker process measures it: a `Run` in; rows, predictions and notes out."""

from __future__ import annotations

import functools
import hashlib
import io
import platform
import time
from collections import OrderedDict
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch

from course_utils.base_models import find_model
from course_utils.batches import max_positions, token_ids
from course_utils.experiment import SHARED, Experiment, Material, run as measure_experiment
from course_utils.results import config_hash, write_atomic
from course_utils.tasks import data_root, get_task, join_target
from course_utils.training import TrainingConfig, TrainingDiverged

WORK = Path(__file__).resolve().parents[2] / "build" / "work"
KINDS = {}   # name -> function(run, materials) -> Outcome, or a dict with rows, predictions, about


@dataclass(frozen=True)
class Run:
    """One measurement of the study ``study``.

    ``label`` is the system's name in the rows (default: the experiment's own), ``seed`` the rows' seed where nothing is trained.
    ``test=False``: a choice, on validation alone. ``detail`` says which rows are kept beside those of the test: "all"; "steps": the
    losses and the task's main metric of every epoch; "best": those of the best epoch. ``kind`` names the function that measures
    it, ``options`` are for that.
    """

    study: str
    experiment: Experiment
    training: TrainingConfig | None = None
    label: str = ""
    seed: int | None = None
    test: bool = True
    detail: str = "steps"
    predictions: bool = False
    kind: str = "plain"
    options: dict = field(default_factory=dict)

    @functools.cached_property
    def config(self) -> dict:
        """All that decides the result, hashes of records and base model included; what is None or off is left out."""
        own = {"label": self.label, "seed": self.seed, "kind": self.kind, **keys_in(self.options)}
        config = {**asdict(self.experiment), "training": asdict(self.training) if self.training else None, **own}
        config = drop_empty(config) | ({} if self.test else {"test": False})
        config |= {"model": name_of(self.experiment.model), "data": name_of(self.experiment.data)}
        files = {"records": records_hash(self.experiment.task, self.experiment.data), "weights": weights_hash(self.experiment.model)}
        return config | files

    @functools.cached_property
    def key(self) -> str:
        """The hash of the configuration, by which a study knows the run."""
        return config_hash(self.config)

    @property
    def name(self) -> str:
        """The system's name in the rows."""
        return self.label or self.experiment.label


def keys_in(options):
    """Options with the key of each run in the place of the run."""
    if isinstance(options, dict):
        return {name: keys_in(value) for name, value in options.items()}
    return [keys_in(each) for each in options] if isinstance(options, list | tuple) else getattr(options, "key", options)


def name_of(given: str) -> str:
    """The name of a base model or of data as rows have it: no path of this machine."""
    return Path(given).name if Path(given).is_dir() else given


def drop_empty(config: dict) -> dict:
    """Without what is None, False or ""; an option that is added later and is off leaves old hashes as they are."""
    return {key: drop_empty(value) if isinstance(value, dict) else value
            for key, value in config.items() if value is not None and value is not False and value != ""}


@functools.cache
def records_hash(task: str, data: str) -> str:
    """Of the files that the records come from; "hub" is its own hash."""
    ours = {"embedded": task, "control": f"{task}_control"}
    return hash_files(data_root() / "tasks" / ours[data] if data in ours else Path(data).expanduser())


@functools.cache
def weights_hash(model: str) -> str:
    """Of the base model's files."""
    return hash_files(Path(find_model(model)))


def hash_files(path: Path) -> str:
    """Twelve hex digits of a file, or of the files in a folder, which need not exist."""
    files = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path] if path.is_file() else []
    digest = hashlib.sha256(b"" if files else str(path).encode())
    for each in files:
        digest.update(each.name.encode() + hashlib.sha256(each.read_bytes()).digest())
    return digest.hexdigest()[:12]


class Materials:
    """Records and base models of one process: loaded once, the latest kept."""

    def __init__(self, most: int = 12):
        self.most, self.made, self.bases = most, OrderedDict(), OrderedDict()

    def __call__(self, experiment: Experiment, seed: int = 0) -> Material:
        seed = seed if experiment.max_train else 0
        key = (*(getattr(experiment, name) for name in SHARED), seed)
        if key not in self.made:
            self.made[key] = Material(experiment, seed)
            base = (experiment.model, experiment.base_dtype)
            if base not in self.bases:
                self.bases[base] = self.made[key].load_base()
            self.made[key].loaded = self.bases[base]   # not once more for every set of records
        self.made.move_to_end(key)
        while len(self.made) > self.most:
            self.made.popitem(last=False)
        used = {(each.experiment.model, each.experiment.base_dtype) for each in self.made.values()}
        for base in [each for each in self.bases if each not in used]:
            del self.bases[base]
        return self.made[key]


def kind(function):
    """Register a way to measure under its name."""
    KINDS[function.__name__] = function
    return function


def rows_of(run: Run, scores: dict, split: str, material=None, step=None, label: str = "", n: int | None = None) -> list[dict]:
    """Rows as `course_utils.experiment.run` makes them; ``n`` is taken from ``material`` where it is not given."""
    keys = {"task": run.experiment.task, "base": run.experiment.model, "system": label or run.name,
            "seed": run.training.seed if run.training else run.seed, "split": split, "step": step}
    metrics = [metric for metric in ("loss", *get_task(run.experiment.task).metrics) if metric in scores]
    n = len(material.data[split]) if n is None else n
    return [{**keys, "metric": metric, "value": float(scores[metric]), "n": n} for metric in metrics]


# ---- what other runs need of one: its prompt, its answers. In build/work, never committed


def prompt_of(run: Run, materials: Materials) -> torch.Tensor:
    """The rows of the soft prompt that ``run`` trains, [length, width], as it left them, or trained now."""
    path = WORK / f"{run.key}.pt"
    if not path.exists():
        material = materials(run.experiment, run.training.seed)
        keep_prompt(run, measure_experiment(run.experiment, run.training, material=material, test=False).system)
    return torch.load(path, weights_only=True)


def keep_prompt(run: Run, system) -> None:
    """Write a trained prompt for `prompt_of`."""
    buffer = io.BytesIO()
    torch.save(system.soft_rows().detach().cpu().clone(), buffer)
    write_atomic(WORK / f"{run.key}.pt", buffer.getvalue())


def measure(run: Run, materials: Materials) -> dict:
    """Rows, predictions (where they are kept) and notes of a run. A training that diverges is a result without rows."""
    start, work = time.perf_counter(), time.process_time()
    try:
        outcome = KINDS[run.kind](run, materials)
        result = outcome if isinstance(outcome, dict) else {
            "rows": outcome.rows, "predictions": outcome.predictions, "about": outcome.about, "log": outcome.log}
    except TrainingDiverged as error:
        result = {"rows": [], "about": {"diverged": str(error).split(":")[0]}}
    rows = [{**row, "base": name_of(row["base"]), "seed": row["seed"] if run.seed is None else run.seed,
             "value": float(f"{row['value']:.6g}")} for row in result["rows"]]   # data/results is to stay small
    where = torch.cuda.get_device_name() if torch.cuda.is_available() else f"{torch.get_num_threads()} x {platform.machine()}"
    seconds = {"wall_seconds": round(time.perf_counter() - start, 2), "cpu_seconds": round(time.process_time() - work, 2)}
    about = {**result.get("about", {}), **seconds, "device": where}
    return {"rows": kept(rows, run), "predictions": result.get("predictions") if run.predictions else None, "about": about}


def kept(rows: list[dict], run: Run) -> list[dict]:
    """The rows that ``run.detail`` asks for. The epoch with the lowest validation loss is the best."""
    metrics = ("loss", get_task(run.experiment.task).main_metric)
    losses = {row["step"]: row["value"] for row in rows if (row["split"], row["metric"]) == ("validation", "loss")}
    best = min(losses, key=losses.get, default=None)
    steps = {"steps": {*losses, None}, "best": {best, None}}.get(run.detail, ())
    return [row for row in rows if row["split"] == "test" or run.detail == "all" or (row["metric"] in metrics and row["step"] in steps)]


# ---- the kinds


@kind
def plain(run: Run, materials: Materials, experiment: Experiment | None = None):
    """`course_utils.experiment.run` as it is; with all details also the training's batches a second, loss on validation included."""
    experiment, seed = experiment or run.experiment, run.training.seed if run.training else run.seed or 0
    material = materials(experiment, seed)
    outcome = measure_experiment(experiment, run.training, material=material, test=run.test)
    if outcome.log and run.detail == "all":
        batches = -(-len(material.data["train"]) * experiment.repeat // run.training.batch_size) * len(outcome.log.epochs)
        outcome.rows.append({**outcome.rows[0], "split": "train", "step": None, "metric": "batches_per_second",
                             "value": batches / outcome.about["seconds"], "n": batches})
    name_rows(run, outcome)
    if run.test and run.experiment.system == "soft prompt":
        keep_prompt(run, outcome.system)
    return outcome


def name_rows(run: Run, outcome) -> None:
    """Let the rows of an experiment have the run's label, if it has one."""
    for row in outcome.rows if run.label else ():
        row["system"] = run.label


@kind
def examples(run: Run, materials: Materials):
    """Solved training records in front of each source, ``shots`` of them, of ``draws`` draws that a seed gives the draw ``draw``.

    Where the longest source of the validation or test records leaves no room for them nothing is measured: no rows, and a note.
    """
    material, task = materials(run.experiment, run.seed), get_task(run.experiment.task)
    shots, draw = run.options["shots"], run.options["draw"]
    order = material.data["train"].shuffle(seed=1000 * run.seed + draw)
    chosen = [order[i] for i in range(min(shots, len(order)))]
    prompt = "\n".join([*(task.source(each) + join_target(task.source(each), task.target(each)) for each in chosen), "{source}"])
    limit = max_positions(material.base) or material.tokenizer.model_max_length
    room = limit - len(token_ids(material.tokenizer, prompt.removesuffix("{source}"))) - material.max_new_tokens - 4
    sets = [material.encoded(split, material.base) for split in ("validation", "test")]
    longest = max(len(prefix) for each in sets for prefix in each.prefixes())
    if longest > room or len(chosen) < shots:
        reason = f"{shots} examples leave {room} of {limit} positions and the longest source has {longest} tokens"
        return {"rows": [], "about": {"skipped": reason if len(chosen) == shots else f"{len(chosen)} records for {shots} examples"}}
    changed = Experiment(**{**asdict(run.experiment), "system": "hard prompt", "hard_prompt": prompt})
    outcome = plain(run, materials, changed)
    return {"rows": outcome.rows, "predictions": outcome.predictions,
            "about": outcome.about | ({"hard_prompt": prompt} if run.test else {})}
