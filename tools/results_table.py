"""The results table: one row for every task and system, from the JSON files that lessons leave in results/."""

from __future__ import annotations

import json
from pathlib import Path

import pandas

from course_utils.metrics import SCORES


def load_tables(folder: Path) -> dict[str, pandas.DataFrame]:
    """{"summarization · course-gpt2-m · 110 test examples": table} for every results file in `folder`, in lesson order.

    Raises:
        ValueError: a file is not JSON or lacks a key; the message names the file.
    """
    tables = {}
    for path in sorted(folder.glob("*.json")):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            title = f"{content['task']} · {content['base_model']} · {content['test_size']} test examples"
            tables[title] = one_table(content["rows"])
        except (json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{path} is not a results file ({type(error).__name__}: {error}); expected what "
                             "course_utils.results.save_results writes. Delete it and run the lesson again") from None
    return tables


def one_table(rows: list[dict]) -> pandas.DataFrame:
    """System by loss, metrics and seeds, as text; mean ± standard deviation where a row carries its spread."""
    found = {metric for row in rows for metric in row["metrics"]}
    metrics = [key for key in SCORES if key in found] + sorted(found - set(SCORES))   # in this order; any other follows
    table = {}
    for row in rows:
        spread = row.get("spread") or {}
        cells = {"loss": number("loss", row["loss"], spread.get("loss"))}
        cells |= {label(key): number(key, row["metrics"].get(key), spread.get(key)) for key in metrics}
        table[row["system"]] = cells | {"seeds": ", ".join(str(seed) for seed in row["seeds"]) or "–"}
    return pandas.DataFrame.from_dict(table, orient="index")


def label(key: str) -> str:
    return SCORES[key].label if key in SCORES else key


def number(key: str, value: float | None, spread: float | None) -> str:
    """The score as the table shows it; a dash where the system has none."""
    if value is None:
        return "–"
    digits = SCORES[key].digits if key in SCORES else 1
    return f"{value:.{digits}f}" + (f" ± {spread:.{digits}f}" if spread is not None else "")


def as_text(tables: dict[str, pandas.DataFrame]) -> str:
    """All tables as plain text for a terminal."""
    return "\n\n".join(f"{title}\n{table.to_string(line_width=200)}" for title, table in tables.items())
