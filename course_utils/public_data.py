"""The public datasets of the full course, brought into the shape of the course's own records (data/README.md)."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import datasets
import huggingface_hub.constants

from .base_models import hub_within_reach
from .tasks import Task


@dataclass(frozen=True)
class PublicDataset:
    """A dataset on the Hugging Face hub: ``path``, ``config``, the ``columns`` we read, and what makes a row a record."""

    path: str
    config: str | None
    columns: tuple[str, ...]
    to_record: Callable[[dict], dict]


def one_line(text: str | None) -> str:
    """``text`` with every run of white space, line breaks included, as one space; None, a missing value, becomes ""."""
    return " ".join((text or "").split())


def news_record(row: dict) -> dict:
    """The highlights stand on lines of their own; the course's targets are one line, since answers end at a newline."""
    return {"document": one_line(row["article"]), "summary": one_line(row["highlights"])}


def quiz_record(row: dict) -> dict:
    """Several people answered each validation question; answers that agree are kept once, in their order."""
    answers = dict.fromkeys(one_line(text) for text in row["answers"]["text"])
    fields = {name: one_line(row[name]) for name in ("context", "question")}
    return fields | {"answers": [answer for answer in answers if answer]}


def caption_record(row: dict) -> dict:
    return {"source": one_line(row["en"]), "target": one_line(row["de"])}


PUBLIC_DATASETS = {
    "summarization": PublicDataset("abisee/cnn_dailymail", "3.0.0", ("article", "highlights"), news_record),
    "question_answering": PublicDataset(
        "rajpurkar/squad", "plain_text", ("title", "context", "question", "answers"), quiz_record
    ),
    "translation": PublicDataset("bentrevett/multi30k", None, ("en", "de"), caption_record),
}


def load_public_task(task: Task) -> dict[str, datasets.Dataset]:
    """The splits train, validation and test of a task's public dataset, rows as the hub has them; see `to_records`.

    They come from the folder ``$COURSE_PUBLIC_DATA`` if that is set (``abisee/cnn_dailymail/`` and so on in it, each as
    ``hf download --repo-type dataset`` leaves it), else from the hub or the cache of an earlier download. SQuAD has
    no test split: its validation articles are divided, see `divide_by_article`.

    Raises FileNotFoundError for a folder that is not there, ValueError for one that is incomplete and for a dataset
    without the splits or columns that we know it by, and OSError (within 5 seconds) when a dataset is neither cached nor
    within reach.
    """
    public = PUBLIC_DATASETS[task.name]
    mirror = os.environ.get("COURSE_PUBLIC_DATA")
    splits = dict(load_from_folder(public, Path(mirror)) if mirror else load_from_hub(public))
    for split, rows in splits.items():
        if missing := [column for column in public.columns if column not in rows.column_names]:
            raise ValueError(
                f"{public.path}, split {split!r}: no column {', '.join(map(repr, missing))}, only "
                f"{', '.join(map(repr, rows.column_names))}; has the dataset changed?"
            )
    if "title" in public.columns and "validation" in splits:
        splits["validation"], splits["test"] = divide_by_article(splits["validation"])
    wanted = ("train", "validation", "test")
    if missing := [split for split in wanted if split not in splits]:
        raise ValueError(f"{public.path}: no split {', '.join(missing)}, only {', '.join(splits)}; has the dataset changed?")
    return {split: splits[split] for split in wanted}


def load_from_folder(public: PublicDataset, mirror: Path) -> datasets.DatasetDict:
    """`load_dataset` on a local copy of what the hub has; its README.md is part of that, it names the configurations."""
    folder = mirror / public.path
    if not folder.is_dir():
        raise FileNotFoundError(
            f"COURSE_PUBLIC_DATA={mirror} names a folder without {public.path}: expected {folder}, as "
            f"`hf download --repo-type dataset {public.path} --local-dir ...` leaves it; unset the variable to use the hub"
        )
    try:
        return datasets.load_dataset(str(folder), public.config)
    except (OSError, ValueError, datasets.exceptions.DatasetsError) as error:
        raise ValueError(
            f"{folder} is not a copy of all that the hub has of {public.path}, other configurations and README.md included: "
            f"{error}"
        ) from error


def load_from_hub(public: PublicDataset) -> datasets.DatasetDict:
    """`load_dataset` with the hub if it may and can be asked, with its cache if not."""
    if huggingface_hub.constants.HF_HUB_OFFLINE or datasets.config.HF_HUB_OFFLINE:
        problem = "HF_HUB_OFFLINE=1 forbids a download: restart Python with HF_HUB_OFFLINE=0 (lessons set it to 1 at scale mini)"
    elif not hub_within_reach():
        problem = "the hub does not answer: connect to a network"
    else:
        return datasets.load_dataset(public.path, public.config)
    try:
        with offline():
            return datasets.load_dataset(public.path, public.config)
    except (OSError, ValueError):  # not cached at all, or not in this configuration
        raise OSError(
            f"the public dataset {public.path} is not in the local cache, and {problem}, let COURSE_PUBLIC_DATA name a "
            "folder that holds it, or go back to the course's own data with COURSE_SCALE=mini"
        ) from None


@contextlib.contextmanager
def offline() -> Iterator[None]:
    """Both libraries read the variable once, at import. Without this every file costs 20 seconds of retries."""
    modules = (datasets.config, huggingface_hub.constants)
    before = [module.HF_HUB_OFFLINE for module in modules]
    try:
        for module in modules:
            module.HF_HUB_OFFLINE = True
        yield
    finally:
        for module, value in zip(modules, before, strict=True):
            module.HF_HUB_OFFLINE = value


def divide_by_article(rows: datasets.Dataset) -> tuple[datasets.Dataset, datasets.Dataset]:
    """Two parts that share no article: the odd ones in the alphabetical order of titles, and the even ones.

    Questions on one paragraph are alike; were they divided by chance, the validation data would know the test's texts.
    """
    titles = list(rows["title"])
    for_test = set(sorted(set(titles))[1::2])
    parts = ([i for i, title in enumerate(titles) if (title in for_test) == test] for test in (False, True))
    return tuple(rows.select(part) for part in parts)


def to_records(rows: datasets.Dataset, task: Task, split: str) -> datasets.Dataset:
    """Rows of the hub as the course's records. Rows in which a text is blank are dropped, with a warning that counts them.

    Raises ValueError if a column holds something else than texts, or if nothing is left.
    """
    public = PUBLIC_DATASETS[task.name]
    try:
        records = rows.map(public.to_record, remove_columns=rows.column_names)
    except (TypeError, AttributeError, KeyError) as error:
        raise ValueError(
            f"{public.path}, split {split!r}: a column of {', '.join(public.columns)} does not hold texts ({error}); "
            f"the first row is {rows[0]}"
        ) from None
    kept = records.filter(lambda record: all(record.values()))
    if len(kept) == 0:
        raise ValueError(f"{public.path}, split {split!r}: none of {len(rows)} rows has a text in each of {public.columns}")
    if dropped := len(records) - len(kept):
        warnings.warn(f"{public.path}, split {split!r}: dropped {dropped} of {len(rows)} rows, a text is blank", stacklevel=2)
    return kept
