"""Records: what a task's files, the public datasets and standard input become before anything is tokenised.

A record is a dict with the fields of its task and no other (data/README.md): texts, and for question answering a list of
texts as target.
"""

from __future__ import annotations

import contextlib
import csv
import gzip
import hashlib
import io
import json
import math
import os
import re
import reprlib
import warnings
import zlib
from collections import namedtuple
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import datasets
import huggingface_hub.constants
import pyarrow.parquet

from .base_models import hub_within_reach
from .tasks import CourseWarning, Task, data_root, get_task

SPLITS = {"train": ("train",), "validation": ("validation", "valid", "val", "dev"), "test": ("test",)}  # and names of files
KINDS = (".jsonl", ".jsonl.gz", ".json", ".csv", ".parquet")
ALIASES = {"document": "article", "summary": "highlights", "source": "en", "target": "de"}  # as public datasets have them
PublicDataset = namedtuple("PublicDataset", "path config")  # on the Hugging Face hub
PUBLIC_DATASETS = {
    "summarization": PublicDataset("abisee/cnn_dailymail", "3.0.0"),
    "question_answering": PublicDataset("rajpurkar/squad", "plain_text"),
    "translation": PublicDataset("bentrevett/multi30k", None),
}


class RecordWarning(CourseWarning):
    """What the owner of the data should know, though it is no error, with a count."""


class BlankText(ValueError):
    """A field that holds no text."""


def load_task_data(
    task: str | Task,
    data: str | Path = "embedded",
    max_train: int | None = None,
    max_eval: int | None = None,
    seed: int = 0,
    test_from: str | None = None,
) -> dict[str, datasets.Dataset]:
    """The splits of a task: train, validation and test.

    ``data`` is "embedded" (the course's own, ``data/tasks/<task>/``), "control" (the same records in a second target style, one
    that words can ask for exactly, ``data/tasks/<task>_control/``), "hub" (public, `load_public_task`) or a folder with
    ``train.jsonl`` and so on, or a file of another of the `KINDS` (.json: an array). ``max_train`` and ``max_eval`` keep that
    many records of training data, and of validation and test data each: the first ones after a shuffle, because files may
    be grouped. ``seed`` draws the training records; those that all seeds are compared on are always the same.
    ``test_from="validation"`` is for a folder without a test file: half of the validation records become the test, every second
    title where questions have a field "title", else every second record; they share no source.

    Raises FileNotFoundError for a missing file, ValueError that names file and line for a row that `to_record` does not
    take, and for "hub" the errors of `load_public_task`. What is dropped or folded is counted in a `RecordWarning`.
    """
    task = get_task(task)
    if not str(data):
        raise ValueError("data must be 'embedded', 'control', 'hub' or a folder, got ''")
    for name, limit in (("max_train", max_train), ("max_eval", max_eval)):
        if limit is not None and limit < 1:
            raise ValueError(f"{name} must be >= 1, or None for all records, got {limit!r}")
    if test_from not in (None, "validation") or (test_from and data == "hub"):
        raise ValueError(f"test_from: 'validation' for a folder without a test file, else None; got {test_from!r} for {data!r}")
    limits, seeds = {"train": max_train, "validation": max_eval, "test": max_eval}, {"train": seed, "validation": 0, "test": 0}
    if data == "hub":
        splits = load_public_task(task)  # of 287,113 articles only those in use are converted
        return {split: public_records(sample(rows, limits[split], seeds[split]), task, split) for split, rows in splits.items()}
    ours = {"embedded": task.name, "control": f"{task.name}_control"}
    folder = data_root() / "tasks" / ours[data] if data in ours else Path(data).expanduser()
    splits = {split: read_records(path, task) for split, path in find_files(folder, task, test_from).items()}
    if test_from:
        records, titles = splits["validation"]
        by_title = task.target_field == "answers" and None not in titles
        parts = divide(titles, sorted(set(titles))) if by_title else divide([task.source(record) for record in records])
        if not all(parts):
            raise ValueError(f"{folder}: no test in one validation {'title' if by_title else 'source'}; expected several")
        splits["validation"], splits["test"] = (([records[i] for i in part], None) for part in parts)
    return {split: sample(datasets.Dataset.from_list(splits[split][0]), limits[split], seeds[split]) for split in SPLITS}


def sample(rows: datasets.Dataset, limit: int | None, seed: int) -> datasets.Dataset:
    """All rows as they come, or ``limit`` of them, shuffled."""
    return rows if limit is None else rows.shuffle(seed=seed).select(range(min(limit, len(rows))))


def divide(keys: Sequence[str], order: Iterable[str] | None = None) -> tuple[list[int], list[int]]:
    """Two lists of row numbers, for validation and test, that share no key: every second key in ``order`` is for the test.

    Questions on one article are alike; were they divided by chance, the validation data would know the test's texts.
    """
    for_test = set(list(dict.fromkeys(keys if order is None else order))[1::2])
    return [i for i, key in enumerate(keys) if key not in for_test], [i for i, key in enumerate(keys) if key in for_test]


# ---- from a row to a record


def to_record(row: object, task: Task, needs_target: bool = True) -> dict[str, str | list[str]]:
    """The record in a row of a file, of a public dataset or of standard input; what the task does not use is left out.

    Names and forms of public datasets are known: `ALIASES`, ``{"translation": {...}}``, SQuAD's ``answers``. Sources are
    stripped. Targets become one line, because an answer ends at a line break; a number becomes its text.

    Raises ValueError that says which field is missing, blank (`BlankText`) or no text.
    """
    if not isinstance(row, Mapping):
        raise ValueError(f"expected a JSON object like {example(task)}, got {type(row).__name__}")
    record = {field: to_text(raw_field(row, field), field) for field in task.source_fields}
    if needs_target:
        targets = [one_line(to_text(value, task.target_field, numbers=True)) for value in raw_targets(row, task)]
        record[task.target_field] = list(dict.fromkeys(targets)) if task.target_field == "answers" else targets[0]
    return record


def raw_field(row: Mapping, field: str) -> object:
    """A row's value for a field, under whichever of its names."""
    if isinstance(row.get("translation"), Mapping):
        row = {**row["translation"], **row}
    for name in (field, ALIASES.get(field)):
        if name in row:
            return row[name]
    raise ValueError(f"field {field!r} is missing; the row has {', '.join(map(repr, row)) or 'no fields'}")


def raw_targets(row: Mapping, task: Task) -> list:
    """A row's target as it stands there, in a list; for question answering all answers, without SQuAD's blank ones."""
    value = raw_field(row, task.target_field)
    if task.target_field != "answers":
        return [value]
    if isinstance(value, Mapping):
        texts = value.get("text")
        value = [text for text in (texts if isinstance(texts, list) else [texts]) if text is not None and str(text).strip()]
    if value == []:
        raise BlankText(f"field {task.target_field!r} must hold a text that is not blank, got none")
    return value if isinstance(value, list) else [value]


def to_text(value: object, field: str, numbers: bool = False) -> str:
    """``value`` with plain line breaks and nothing blank around it; ValueError if it is no text that UTF-8 can hold."""
    is_number = (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, float) and math.isfinite(value))
    if numbers and is_number:
        return str(value)
    if not isinstance(value, str) or not value.strip():
        error = BlankText if value is None or isinstance(value, str) else ValueError
        raise error(f"field {field!r} must be a text that is not blank, got {reprlib.repr(value)}")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"field {field!r} holds half a character, {value[error.start]!r}: write the text as UTF-8") from None
    return value.replace("\r\n", "\n").replace("\r", "\n").strip()


def one_line(text: str) -> str:
    """``text`` with every run of white space, line breaks included, as one space."""
    return " ".join(text.split())


def example(task: Task) -> str:
    """A JSON object with the task's source fields, for messages."""
    return "{" + ", ".join(f'"{field}": ...' for field in task.source_fields) + "}"


def to_records(rows: Iterable[tuple[str, object]], task: Task, name: str, public: bool = False) -> tuple[list, list]:
    """The records of rows that come with their place ("line 3"), and the rows' titles. ``name`` is the file's, for warnings.

    A row with a blank text is an error, for its author to mend; of a ``public`` dataset, or like SQuAD, it is dropped.
    """
    records, titles, dropped, folded = [], [], 0, 0
    for place, row in rows:
        try:
            records.append(to_record(row, task))
        except ValueError as error:
            if not isinstance(error, BlankText) or not (public or isinstance(row.get(task.target_field), Mapping)):
                raise ValueError(f"{place}: {error}") from None
            dropped += 1
            continue
        titles.append(None if row.get("title") is None else str(row["title"]))
        folded += any(len(str(text).strip().splitlines()) > 1 for text in raw_targets(row, task))
    if not records and not dropped:
        raise ValueError(f"no rows: expected at least one record for {task.name}")
    if not records:
        raise ValueError(f"none of {dropped} rows has a text in each field: expected at least one record for {task.name}")
    if folded:
        warnings.warn(f"{name}: {folded} of {len(records)} targets had line breaks; folded to one line", RecordWarning, 2)
    if dropped:
        warnings.warn(f"{name}: dropped {dropped} of {dropped + len(records)} rows, a text is blank", RecordWarning, 2)
    return records, titles


# ---- files


def find_files(folder: Path, task: Task, test_from: str | None) -> dict[str, Path]:
    """The file of each split in a folder; none for the test where that comes out of the validation records."""
    if not folder.is_dir():
        raise FileNotFoundError(f"no data for {task.name!r}: expected a folder with {', '.join(SPLITS)}, got {folder}")
    files = {}
    for split, names in SPLITS.items():
        found = [path for name in names for kind in KINDS if (path := folder / (name + kind)).is_file()]
        if len(found) > 1 or (found and split == "test" and test_from):
            other = found[1].name if len(found) > 1 else "--test-from"
            raise ValueError(f"{folder}: {found[0].name} and {other} both give the split {split!r}; leave out one")
        if found:
            files[split] = found[0]
        elif split != "test" or not test_from:
            hint = "; or divide the validation records with --test-from validation" if split == "test" else ""
            held = ", ".join(sorted(path.name for path in folder.iterdir())) or "nothing"
            raise FileNotFoundError(
                f"no data for {task.name!r}: expected the file {folder / split}.jsonl (or {', '.join(KINDS[1:])}), but the "
                f"folder holds {held}{hint}"
            )
    return files


def read_records(path: Path, task: Task) -> tuple[list, list]:
    """The records of a file and their titles. ValueError that names file and line for what cannot be used."""
    try:
        return to_records(read_rows(path), task, str(path))
    except ValueError as error:
        raise ValueError(f"{path}, {error}") from None


def read_rows(path: Path) -> Iterator[tuple[str, object]]:
    """The rows of a file, each with its place there ("line 3"), counted from 1."""
    if path.suffix == ".csv":
        yield from read_csv(decode(path.read_bytes()))
    elif path.suffix == ".json":
        rows = parse(decode(path.read_bytes()))
        if not isinstance(rows, list):
            raise ValueError(f"line 1: expected an array of objects, got {type(rows).__name__}; one object a line is .jsonl")
        yield from ((f"row {number}", row) for number, row in enumerate(rows, start=1))
    elif path.suffix == ".parquet":  # not by datasets, which would keep a copy and hand that out when the file has changed
        try:
            rows = pyarrow.parquet.read_table(path).to_pylist()
        except (OSError, pyarrow.ArrowException) as error:
            raise ValueError(f"row 1: not readable as Parquet ({error})") from None
        yield from ((f"row {number}", row) for number, row in enumerate(rows, start=1))
    else:
        data = path.read_bytes()
        try:
            data = gzip.decompress(data) if path.suffix == ".gz" else data
        except (OSError, EOFError, zlib.error) as error:
            raise ValueError(f"line 1: not a complete gzip file ({error})") from None
        yield from ((f"line {number}", parse(line, number)) for number, line in numbered_lines(decode(data)))


def read_csv(text: str) -> Iterator[tuple[str, object]]:
    """Rows by the names in the first line that is not blank, between commas; or, if it has none, semicolons or tabs. The place of
    a row is its first line. A cell "answers" may be a JSON list."""
    csv.field_size_limit(2**31 - 1)  # a long article is no error
    first = re.search(r".*\S.*", text)
    comma = "," if not first or "," in first[0] else max(",;\t", key=first[0].count)
    reader, header, line = csv.reader(io.StringIO(text, newline=""), delimiter=comma, strict=True), None, 1
    try:
        for cells in reader:
            start, line = line, reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if header is None:
                header = [name.strip() for name in cells]
                if twice := [name for name in header if name and header.count(name) > 1]:
                    raise ValueError(f"line {start}: the name {twice[0]!r} stands over more than one column; rename one")
            elif len(cells) == len(header):
                row = dict(zip(header, cells, strict=True))
                yield f"line {start}", row | ({"answers": json_list(row["answers"])} if "answers" in row else {})
            else:
                raise ValueError(f"line {start}: {len(cells)} cells for {len(header)} names; a text with {comma!r} needs quotes")
    except csv.Error as error:
        raise ValueError(f"line {line}: not CSV ({error})") from None


def json_list(cell: str) -> list | str:
    """The list in a cell that is one in JSON; any other cell as it is."""
    try:
        return json.loads(cell) if cell.lstrip().startswith("[") else cell
    except (ValueError, RecursionError):
        return cell


def decode(data: bytes) -> str:
    """UTF-8, with or without a byte order mark."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ValueError(f"line {line}: not UTF-8 ({error.reason}); save the file with that encoding") from None


def parse(text: str, line: int = 1) -> object:
    """JSON that begins at ``line``."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"line {line + error.lineno - 1}: not JSON ({error.msg}, column {error.colno})") from None
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, thousands of brackets
        raise ValueError(f"line {line}: JSON that cannot be read ({error})") from None


def numbered_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines that are not blank. Not str.splitlines, which would also cut at rarer separators inside a text."""
    return ((number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip())


# ---- standard input


def read_stream(text: str | bytes, task: Task | None = None) -> list[tuple[Task, dict[str, str]] | None]:
    """`read_text` on each line; None for a blank one, so that answers can stay beside their texts.

    Raises ValueError that names the line, or if there is no text at all.
    """
    lines = (decode(text) if isinstance(text, bytes) else text.removeprefix("\ufeff")).removesuffix("\n").split("\n")
    if not any(line.strip() for line in lines):
        raise ValueError("got no text: give one as an argument or on standard input")
    return read_texts(lines, task, "line", blank=True)


def read_texts(texts: Iterable[str], task: Task | None, kind: str, blank: bool = False) -> list:
    """`read_text` on each, None for a ``blank`` one where they may be; an error names its number, and its ``kind``."""
    found = []
    for number, text in enumerate(texts, start=1):
        try:
            found.append(None if blank and not text.strip() else read_text(text, task))
        except ValueError as error:
            raise ValueError(f"{kind} {number}: {error}") from None
    return found


def read_text(text: str, task: Task | None = None) -> tuple[Task, dict[str, str]]:
    """Task and record, without a target, of a text: plain, where the task reads no more than one, or a JSON object.

    A field "task" in the object goes before ``task``. Raises ValueError for what begins like an object and is none, for a text
    whose task is not known, and the errors of `to_record`.
    """
    row, start = None, text.strip()[:60]
    if start[:1] in ("{", "["):
        try:
            row = json.loads(text)
        except (ValueError, RecursionError) as error:
            if start[0] == "{":  # "[Reuters] The mayor ..." is plain text
                raise ValueError(f"begins like JSON and is none ({error}): {start!r}") from None
        if isinstance(row, dict) and "task" in row:
            task = get_task(str(row["task"]))
    if task is None:
        raise ValueError(f'expected a JSON object with a field "task", or --task; got {start!r}')
    if row is None:
        if len(task.source_fields) > 1:
            raise ValueError(f"for {task.name} expected a JSON object with its fields, {example(task)}, got {start!r}")
        row = {task.long_field: text}
    return task, to_record(row, task, needs_target=False)


# ---- public datasets


def load_public_task(task: Task) -> dict[str, datasets.Dataset]:
    """The splits train, validation and test of a task's public dataset, rows as the hub has them; see `public_records`.

    They come from the folder ``$COURSE_PUBLIC_DATA`` if that is set (``abisee/cnn_dailymail/`` and so on in it, each as
    ``hf download --repo-type dataset`` leaves it), else from the hub or the cache of an earlier download. SQuAD has
    no test split: its validation articles are divided.

    Raises FileNotFoundError for a folder that is not there, ValueError for one that is incomplete and for a dataset
    without the splits that we know it by, and OSError (within 5 seconds) when a dataset is neither cached nor within reach.
    """
    name, config = PUBLIC_DATASETS[task.name]
    mirror = os.environ.get("COURSE_PUBLIC_DATA")
    splits = dict(load_from_folder(name, config, Path(mirror)) if mirror else load_from_hub(name, config))
    rows = splits.get("validation")
    if rows and "test" not in splits and "title" in rows.column_names:
        titles = list(rows["title"])
        splits["validation"], splits["test"] = (rows.select(part) for part in divide(titles, sorted(set(titles))))
    if missing := [split for split in SPLITS if split not in splits]:
        raise ValueError(f"{name}: no split {', '.join(missing)}, only {', '.join(splits)}; has the dataset changed?")
    return {split: splits[split] for split in SPLITS}


def public_records(rows: datasets.Dataset, task: Task, split: str) -> datasets.Dataset:
    """Rows of the hub as records: every text in one line, without the rows in which one is blank."""
    name = f"{PUBLIC_DATASETS[task.name].path}, split {split!r}"
    lines = ({key: one_line(value) if isinstance(value, str) else value for key, value in row.items()} for row in rows)
    try:
        return datasets.Dataset.from_list(to_records((("one row", row) for row in lines), task, name, public=True)[0])
    except ValueError as error:
        raise ValueError(f"{name}, {error}") from None


def load_from_folder(name: str, config: str | None, mirror: Path) -> datasets.DatasetDict:
    """`load_dataset` on a local copy of what the hub has; its README.md is part of that, it names the configurations."""
    folder = mirror / name
    if not folder.is_dir():
        raise FileNotFoundError(
            f"COURSE_PUBLIC_DATA={mirror} names a folder without {name}: expected {folder}, as "
            f"`hf download --repo-type dataset {name} --local-dir ...` leaves it; unset the variable to use the hub"
        )
    # The library tells copies apart by their README.md alone: it would hand out another folder's rows, or a lost file's.
    try:
        files = sorted((str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns) for path in folder.rglob("*"))
        cache = Path(datasets.config.HF_DATASETS_CACHE) / f"copy-{hashlib.sha256(repr(files).encode()).hexdigest()[:16]}"
        return datasets.load_dataset(str(folder), config, cache_dir=str(cache))
    except (OSError, ValueError, datasets.exceptions.DatasetsError) as error:
        raise ValueError(
            f"{folder} is not a copy of all that the hub has of {name}, other configurations and README.md included: {error}"
        ) from error


def load_from_hub(name: str, config: str | None) -> datasets.DatasetDict:
    """`load_dataset` with the hub if it may and can be asked, with its cache if not."""
    if huggingface_hub.constants.HF_HUB_OFFLINE or datasets.config.HF_HUB_OFFLINE:
        problem = "HF_HUB_OFFLINE=1 forbids a download: restart Python with HF_HUB_OFFLINE=0 (lessons set it to 1 at scale mini)"
    elif not hub_within_reach():
        problem = "the hub does not answer: connect to a network"
    else:
        return datasets.load_dataset(name, config)
    try:
        with offline():
            return datasets.load_dataset(name, config)
    except (OSError, ValueError):  # not cached at all, or not in this configuration
        raise OSError(
            f"the public dataset {name} is not in the local cache, and {problem}, let COURSE_PUBLIC_DATA name a "
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
