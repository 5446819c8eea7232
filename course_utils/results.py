"""Measured results as tidy rows, one number each, in files that a killed run never leaves half written.

A row is {"study", "task", "base", "system", "seed", "split", "step", "metric", "value", "n", "run"}: one metric of one system on
one split, after ``step`` optimizer steps (None where nothing was trained), over ``n`` records. ``run`` is the hash of the
configuration that it was measured with; configurations, versions and predictions of the test records stand beside the rows.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib.metadata
import json
import math
import os
import platform
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas
from filelock import FileLock

from .tasks import data_root

ROW_KEYS = ("study", "task", "base", "system", "seed", "split", "step", "metric", "value", "n", "run")
REPORTED_PACKAGES = ("torch", "transformers", "datasets", "evaluate", "rouge_score", "sacrebleu", "peft", "accelerate", "numpy")


def write_atomic(path: str | Path, content: str | bytes) -> Path:
    """Write a file in one step: whoever reads it, and a run that is killed, sees the old content or the new. Returns its path."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        partial.write_bytes(content.encode() if isinstance(content, str) else content)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    return path


def config_hash(config: Mapping) -> str:
    """Twelve hex digits that two configurations share only if they are equal."""
    return hashlib.sha256(json.dumps(config, sort_keys=True, default=str).encode()).hexdigest()[:12]


def versions() -> dict[str, str]:
    """Versions of Python and of the libraries, those that scores depend on among them; `-` where one is not installed."""
    found = {"python": platform.python_version()}
    for package in REPORTED_PACKAGES:
        try:
            found[package] = importlib.metadata.version(package).split("+")[0]
        except importlib.metadata.PackageNotFoundError:
            found[package] = "-"
    return found


class Study:
    """The results of one study in a folder: ``<name>.jsonl`` (rows), ``<name>.runs.jsonl`` (configuration and versions of each
    run), ``<name>.predictions.jsonl.gz`` (what each run wrote for the test records)."""

    def __init__(self, name: str, folder: str | Path):
        self.name, self.folder = name, Path(folder)
        self.files = {kind: self.folder / f"{name}{end}" for kind, end in
                      (("rows", ".jsonl"), ("runs", ".runs.jsonl"), ("predictions", ".predictions.jsonl.gz"))}

    def read(self, kind: str = "rows") -> list[dict]:
        """The lines of one of the files; none if there is no file."""
        path = self.files[kind]
        if not path.exists():
            return []
        text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        lines = []
        for number, line in enumerate(text.decode().split("\n"), start=1):
            try:
                lines += [json.loads(line)] if line else []
            except ValueError as error:
                raise ValueError(f"{path}, line {number}: not JSON ({error}); restore the file, or take the line out") from None
        return lines

    def has(self, run: str) -> bool:
        """Whether the run of that configuration hash is complete: its configuration is written last."""
        return any(each["run"] == run for each in self.read("runs"))

    def add(self, run: str, config: Mapping, rows: Iterable[Mapping], predictions: list[str] | None = None, **about) -> None:
        """Add a run's rows, predictions and configuration. Raises ValueError for a row that lacks a key or is not finite."""
        rows = [{"study": self.name, "run": run, **row} for row in rows]
        for row in rows:
            if missing := [key for key in ROW_KEYS if key not in row]:
                raise ValueError(f"a row of study {self.name!r} lacks {', '.join(missing)}: {row}")
            if not math.isfinite(row["value"]):
                raise ValueError(f"{row['metric']} of {row['system']!r} is {row['value']}: expected a finite number")
        rows = [{key: row[key] for key in ROW_KEYS} for row in rows]
        new = {"rows": rows, "predictions": [{"run": run, "predictions": predictions}] if predictions is not None else [],
               "runs": [{"run": run, "config": dict(config), "versions": versions(), **about}]}
        place = hashlib.sha256(str(self.files["rows"].resolve()).encode()).hexdigest()[:16]
        with FileLock(Path(tempfile.gettempdir()) / f"study-{place}.lock"):  # others may be adding to the same study
            for kind, lines in new.items():
                kept = [line for line in self.read(kind) if line["run"] != run]
                text = "".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in kept + lines)
                if text:
                    write_atomic(self.files[kind], gzip.compress(text.encode(), mtime=0) if kind == "predictions" else text)

    def table(self, *options: str) -> pandas.DataFrame:
        """All rows, a column a key; no rows, no columns filled.

        ``options`` become further columns: of each run's configuration or of how it was trained, such as "max_train" or
        "learning_rate", or what was noted about it, such as "seconds"; None where a run has no such thing.
        """
        table = pandas.DataFrame(self.read(), columns=list(ROW_KEYS))
        if options:
            runs = {run["run"]: {**run, **(run["config"].get("training") or {}), **run["config"]} for run in self.read("runs")}
            for name in options:
                table[name] = [runs.get(run, {}).get(name) for run in table["run"]]
        return table


def stored(name: str) -> Study:
    """One of the studies that ship with the course."""
    return Study(name, data_root() / "results")


def mean_and_spread(rows: pandas.DataFrame, by: Iterable[str] = ("task", "base", "system", "metric")) -> pandas.DataFrame:
    """Mean, standard deviation and number of seeds of ``value``; the deviation is NaN for a single one."""
    return rows.groupby(list(by), sort=False)["value"].agg(["mean", "std", "count"]).reset_index()


# ---- what a lesson leaves for the table of `make course`

LESSON_KEYS, SYSTEM_KEYS = ("task", "base_model", "test_size", "rows"), ("system", "seeds", "loss", "metrics")


def save_results(lesson: str, results: dict, folder: Path | str | None = None) -> Path:
    """Write a lesson's results to `results/<lesson>.json`, from which `make course` prints its table.

    ``results`` is {"task", "base_model", "test_size", "rows": [{"system", "seeds": [..], "loss": nats per target token or None,
    "metrics": {name: score}}, ..]}. A row may add "spread": {"loss" or a metric: standard deviation over the seeds}. Returns the
    file's path. Raises ValueError if a key is missing, no row was given, or a number is not finite.
    """
    if missing := [key for key in LESSON_KEYS if key not in results]:
        raise ValueError(f"results of {lesson} lack {', '.join(missing)}; expected the keys {', '.join(LESSON_KEYS)}")
    if not results["rows"]:
        raise ValueError(f"results of {lesson} hold no rows; expected one for every system that was compared")
    for number, row in enumerate(results["rows"], start=1):
        if missing := [key for key in SYSTEM_KEYS if key not in row]:
            raise ValueError(f"row {number} of the results of {lesson} lacks {', '.join(missing)}; "
                             f"expected the keys {', '.join(SYSTEM_KEYS)}, got {', '.join(row)}")
        for key, value in {"loss": row["loss"], **row["metrics"]}.items():
            if value is not None and not math.isfinite(value):
                raise ValueError(f"{key} of {row['system']!r} is {value}; expected a finite number, or None where there is none")
    text = json.dumps({"lesson": lesson, **results}, indent=2, ensure_ascii=False, allow_nan=False, default=plain)
    folder = folder or Path(__file__).resolve().parents[1] / "results"
    return write_atomic(Path(folder) / f"{lesson}.json", text + "\n")


def plain(value):
    """NumPy and PyTorch scalars as plain numbers."""
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"cannot write a {type(value).__name__} into results; expected numbers, texts, lists and dicts")
