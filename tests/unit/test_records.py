"""Reading: files of every kind, standard input, and public datasets, laid out as the hub does it, with rows made up here."""

import gzip
import json
import os
import shutil
import socket
import time
import warnings

import datasets
import huggingface_hub.constants
import pyarrow.parquet
import pytest

from course_utils import records as records_module
from course_utils.metrics import compute_metrics
from course_utils.records import (
    PUBLIC_DATASETS,
    RecordWarning,
    load_public_task,
    load_task_data,
    public_records,
    read_stream,
    read_text,
    to_record,
)
from course_utils.tasks import TASKS

SUMMARIZATION, QUESTIONS_TASK, TRANSLATION = (TASKS[name] for name in ("summarization", "question_answering", "translation"))
PAIR = {"source": "The cat sleeps.", "target": "Die Katze schläft."}
QUIZ = {"context": "Rain fell.", "question": "What fell?", "answers": ["Rain"]}


def write_lines(path, rows):
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


@pytest.fixture
def write(tmp_path):
    """A function that writes a folder with the given rows as training data, and one good row as validation and test."""

    def write(rows, task="translation", **others):
        good = {"translation": PAIR, "question_answering": QUIZ, "summarization": {"document": "d", "summary": "s"}}[task]
        folder = tmp_path / "mine"
        folder.mkdir(exist_ok=True)
        for split, part in ({"train": rows, "validation": [good], "test": [good]} | others).items():
            if part is not None:
                write_lines(folder / f"{split}.jsonl", part)
        return folder

    return write


# ---- rows


def test_splits_come_back_as_written(write):
    others = [{"source": f"Cat {i}.", "target": f"Katze {i}."} for i in range(4)]
    data = load_task_data("translation", write([PAIR], test=others))
    assert list(data) == ["train", "validation", "test"]
    assert data["test"].to_list() == others


@pytest.mark.parametrize("task", TASKS)
def test_the_embedded_data_are_the_files_and_a_limit_draws_with_the_seed(task):
    with warnings.catch_warnings(action="error"):
        data = load_task_data(task)
    for split, rows in data.items():
        path = records_module.data_root() / "tasks" / task / f"{split}.jsonl"
        assert rows.to_list() == [json.loads(line) for line in path.read_bytes().splitlines()]
    some = load_task_data(task, max_train=5, max_eval=3, seed=4)
    assert some["train"].to_list() == data["train"].shuffle(seed=4).select(range(5)).to_list()
    assert [len(rows) for rows in some.values()] == [5, 3, 3]


def test_fields_that_nobody_reads_do_not_matter(write):
    rows = [{**PAIR, "id": "a0"}, {**PAIR, "id": 1, "notes": {"by": None}}, {"id": [], **PAIR}]
    assert load_task_data("translation", write(rows))["train"].to_list() == [PAIR] * 3


def test_one_answer_or_a_list_of_answers(write):
    rows = [{**QUIZ, "answers": answers} for answers in (["3 euros"], "4 euros", 5, [6, "7", "7"], [2.5], {"text": "Paris"},
                                                         {"text": 1776}, 10**400)]
    answers = load_task_data("question_answering", write(rows, "question_answering"))["train"]["answers"]
    assert list(answers) == [["3 euros"], ["4 euros"], ["5"], ["6", "7"], ["2.5"], ["Paris"], ["1776"], ["1" + 400 * "0"]]


def test_the_answers_of_squad_are_its_texts_once_and_rows_without_one_are_counted(write):
    texts = (["Rain ", "rain", "Rain"], [" ", "Snow"], [], [""], [None])
    rows = [{**QUIZ, "answers": {"text": text, "answer_start": [0] * len(text)}} for text in texts]
    with pytest.warns(RecordWarning, match=r"train\.jsonl: dropped 3 of 5 rows, a text is blank"):
        data = load_task_data("question_answering", write(rows, "question_answering"))
    assert list(data["train"]["answers"]) == [["Rain", "rain"], ["Snow"]]


@pytest.mark.parametrize(
    "task, row, record",
    [
        (TRANSLATION, {"translation": {"en": "A cat.", "de": "Eine Katze."}}, {"source": "A cat.", "target": "Eine Katze."}),
        (TRANSLATION, {"de": "Eine Katze.", "en": "A cat."}, {"source": "A cat.", "target": "Eine Katze."}),
        (TRANSLATION, {"en": "A dog.", **PAIR}, PAIR),
        (SUMMARIZATION, {"article": " A\nB. ", "highlights": "C .\nD ."}, {"document": "A\nB.", "summary": "C . D ."}),
        (TRANSLATION, {"source": "6 times 7?\r\nSay!\r", "target": 42}, {"source": "6 times 7?\nSay!", "target": "42"}),
        (TRANSLATION, {"source": "pi", "target": 3.5}, {"source": "pi", "target": "3.5"}),
        (TRANSLATION, {"source": "one\u2028two\u0085three", "target": "x"}, {"source": "one\u2028two\u0085three", "target": "x"}),
    ],
)
def test_a_row_becomes_a_record(task, row, record):
    assert to_record(row, task) == record
    assert to_record(row, task, needs_target=False) == {name: record[name] for name in task.source_fields}


@pytest.mark.parametrize("value", [True, [True], float("nan"), {"a": 1}, ["a"], b"a", "\ud83d"])
def test_what_is_no_target(value):
    with pytest.raises(ValueError, match="field 'target'"):
        to_record({"source": "s", "target": value}, TRANSLATION)
    with pytest.raises(ValueError, match="field 'source'"):
        to_record({"source": 3 if value is True else value, "target": "t"}, TRANSLATION)


def test_targets_with_line_breaks_become_one_line_and_are_counted_once(write):
    rows = [{"document": "d\ne", "summary": text} for text in ("Anna buys a boat.\nShe loves the  sea.", "a\r\nb", "c\n")]
    with pytest.warns(RecordWarning) as caught:
        data = load_task_data("summarization", write(rows, "summarization"))
    assert [str(each.message).split(": ")[1] for each in caught] == ["2 of 3 targets had line breaks; folded to one line"]
    assert list(data["train"]["summary"]) == ["Anna buys a boat. She loves the sea.", "a b", "c"]
    assert data["train"]["document"][0] == "d\ne"


@pytest.mark.parametrize(
    "line, message",
    [
        (b"{'document': 1}", r"not JSON \(Expecting property name"),
        (b'{"document": "d", "summary": "s"', "not JSON"),
        (b'{"document": "\xff", "summary": "s"}', "not UTF-8"),
        (b'["d", "s"]', "expected a JSON object like .*, got list"),
        (b"{}", "field 'document' is missing; the row has no fields"),
        (b'{"document": "d"}', "field 'summary' is missing; the row has 'document'"),
        (b'{"document": " ", "summary": "s"}', "field 'document' must be a text that is not blank"),
        (b'{"document": "d", "summary": null}', "field 'summary' must be a text that is not blank.*got None"),
        (b'{"document": "d", "summary": true}', "field 'summary' must be a text.*got True"),
        (b'{"document": ["d"], "summary": "s"}', "field 'document' must be a text"),
        (b'{"document": "d", "summary": "\\ud83d"}', "field 'summary' holds half a character"),
    ],
)
def test_unusable_row_names_file_and_line(write, line, message):
    folder = write([{"document": "d", "summary": "s"}], "summarization")
    with (folder / "validation.jsonl").open("ab") as file:
        file.write(b" \r\n" + line + b"\n")  # a blank line is passed over and counts
    with pytest.raises(ValueError, match=rf"validation\.jsonl, line 3: .*{message}"):
        load_task_data("summarization", folder)


@pytest.mark.parametrize("answers", [[], [""], ["rain", None], "  ", False, [["rain"]], {"text": {"a": "b"}}, {"text": True}])
def test_unusable_answers(write, answers):
    with pytest.raises(ValueError, match=r"train\.jsonl, line 2: field 'answers' must"):
        load_task_data("question_answering", write([QUIZ, {**QUIZ, "answers": answers}], "question_answering"))


# ---- files


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("kind", ["jsonl", "jsonl.gz", "json", "csv", "parquet"])
def test_every_kind_of_file_gives_the_same_records(write, tmp_path, kind, end, mark):
    folder = write(None, train=None)
    rows = [{**PAIR, "id": 1}, {"source": 'Say "hi", cat.', "target": "Sag „hallo“, Katze."}]
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    if kind == "csv":
        lines = ["source,target,id", "The cat sleeps.,Die Katze schläft.,1", '"Say ""hi"", cat.","Sag „hallo“, Katze.",']
    text = json.dumps(rows, ensure_ascii=False, indent=1) if kind == "json" else "\n\n".join(lines) + "\n"
    data = mark + text.replace("\n", end).encode()
    if kind == "parquet":
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), folder / "train.parquet")
    else:
        (folder / f"train.{kind}").write_bytes(gzip.compress(data) if kind == "jsonl.gz" else data)
    records = load_task_data("translation", folder)["train"].to_list()
    assert records == [{field: row[field] for field in ("source", "target")} for row in rows]


@pytest.mark.parametrize(
    "name, data, message",
    [
        ("train.csv", b'source,target\n"a\nb",c\n\nd,\n', "line 5: field 'target' must be a text that is not blank"),
        ("train.csv", b"source,target\na,b,c\n", "line 2: 3 cells for 2 names; a text with ',' needs quotes"),
        ("train.csv", b'source,target\na,b\n"a,b\n', "line 3: not CSV"),
        ("train.csv", b"source,target\na,\xff\n", "line 2: not UTF-8"),
        ("train.csv", b"source;target\na;b;c\n", "line 2: 3 cells for 2 names; a text with ';' needs quotes"),
        ("train.csv", b"source:target\na:b\n", "line 2: field 'source' is missing; the row has 'source:target'"),
        ("train.csv", b"\nsource,target,source\na,b,c\n", "line 2: the name 'source' stands over more than one column"),
        ("train.csv", b"source,target\n", "no rows: expected at least one record for translation"),
        ("train.jsonl", b'{"source": ' + b"[" * 99_999, "line 1: JSON that cannot be read"),
        ("train.jsonl", b'{"source": "a", "target": ' + b"9" * 5000 + b"}", "line 1: JSON that cannot be read .*digits"),
        ("train.json", b'[\n{"source": 1}]', "row 1: field 'source' must be a text"),
        ("train.json", b'{"source": "a", "target": "b"}', "line 1: expected an array of objects, got dict"),
        ("train.json", b'[{},\n{]', "line 2: not JSON"),
        ("train.jsonl.gz", b"no gzip", "line 1: not a complete gzip file"),
        ("train.jsonl.gz", gzip.compress(b'{"source": "a", "target": "b"}\n' * 99, mtime=0)[:-9],
         "line 1: not a complete gzip file"),
        ("train.parquet", b"PAR1 and no more", "row 1: not readable as Parquet"),
        ("train.jsonl", b"\n \n", "no rows: expected at least one"),
    ],
)
def test_an_unusable_file_is_named_with_the_place(write, name, data, message):
    folder = write(None, train=None)
    (folder / name).write_bytes(data)
    with pytest.raises(ValueError, match=rf"{name}, {message}"):
        load_task_data("translation", folder)


@pytest.mark.parametrize("mark", [";", "\t"])
def test_other_marks_than_commas_blank_lines_and_lists_in_cells(write, mark):
    folder = write(None, "question_answering", train=None)
    text = 'context; question ;answers\nRain, snow.;What?;"[""Rain"", 3]"\nRain.;What?;[sic] rain\n'.replace(";", mark)
    (folder / "train.csv").write_text("\n \n" + text)
    assert list(load_task_data("question_answering", folder)["train"]["answers"]) == [["Rain", "3"], ["[sic] rain"]]


def test_a_folder_below_home_and_none_at_all(write, monkeypatch):
    monkeypatch.setenv("HOME", str(write([PAIR]).parent))
    assert len(load_task_data("translation", "~/mine")["train"]) == 1
    with pytest.raises(ValueError, match="data must be 'embedded', 'control', 'hub' or a folder, got ''"):
        load_task_data("translation", "")


def test_a_row_of_a_parquet_file_is_named(write):
    folder = write(None, train=None)
    table = pyarrow.Table.from_pylist([PAIR, {"source": None, "target": "x"}])
    pyarrow.parquet.write_table(table, folder / "train.parquet")
    with pytest.raises(ValueError, match=r"train\.parquet, row 2: field 'source' must be .* got None"):
        load_task_data("translation", folder)


def test_a_long_text_fits_into_a_cell(write):
    folder = write(None, train=None)
    (folder / "train.csv").write_text("source,target\n" + "Rain. " * 40_000 + ",Regen.\n")
    assert len(load_task_data("translation", folder)["train"]["source"][0]) == 6 * 40_000 - 1


@pytest.mark.parametrize("name", ["valid", "val", "dev"])
def test_other_names_of_the_validation_split(write, name):
    folder = write([PAIR], validation=None, **{name: [PAIR, PAIR]})
    assert len(load_task_data("translation", folder)["validation"]) == 2
    write_lines(folder / "validation.jsonl", [PAIR])
    with pytest.raises(ValueError, match=rf"validation\.jsonl and {name}\.jsonl both give the split 'validation'"):
        load_task_data("translation", folder)


def test_missing_files_and_unknown_task(write):
    folder = write([PAIR], test=None)
    with pytest.raises(FileNotFoundError, match=r"no data for 'translation': expected the file .*test\.jsonl \(or .*\.csv.*"
                                                r"holds train\.jsonl, validation\.jsonl; .*--test-from validation"):
        load_task_data("translation", folder)
    (folder / "train.jsonl").unlink()
    with pytest.raises(FileNotFoundError, match=r"train\.jsonl .* holds validation\.jsonl$"):
        load_task_data("translation", folder)
    with pytest.raises(FileNotFoundError, match=r"expected a folder with train, validation, test, got .*nowhere"):
        load_task_data("translation", folder / "nowhere")
    with pytest.raises(ValueError, match="unknown task 'poetry'"):
        load_task_data("poetry", folder)
    with pytest.raises(ValueError, match="max_train must be >= 1"):
        load_task_data("translation", folder, max_train=0)


def test_the_test_comes_out_of_the_validation_records(write):
    rows = [{"source": f"Cat {i}.", "target": f"Katze {i}."} for i in (0, 1, 2, 1, 3)]
    data = load_task_data("translation", write([PAIR], validation=rows, test=None), test_from="validation")
    assert list(data["validation"]["source"]) == ["Cat 0.", "Cat 2."]
    assert list(data["test"]["source"]) == ["Cat 1.", "Cat 1.", "Cat 3."]


def test_questions_are_divided_by_title(write):
    rows = [{**QUIZ, "question": f"{i}?", "title": "ABC"[i % 3]} for i in range(9)]
    folder = write([QUIZ], "question_answering", validation=rows, test=None)
    data = load_task_data("question_answering", folder, test_from="validation", max_eval=99)
    assert sorted(data["test"]["question"]) == ["1?", "4?", "7?"] and len(data["validation"]) == 6
    assert data["test"].column_names == ["context", "question", "answers"]
    write_lines(folder / "validation.jsonl", [{**rows[0], "title": None}, *rows[1:]])
    assert list(load_task_data("question_answering", folder, test_from="validation")["test"]["question"]) == [
        f"{i}?" for i in (1, 3, 5, 7)]


def test_what_cannot_be_divided(write):
    with pytest.raises(ValueError, match=r"test\.jsonl and --test-from both give the split 'test'"):
        load_task_data("translation", write([PAIR]), test_from="validation")
    for data, test_from in (("hub", "validation"), ("embedded", "train")):
        with pytest.raises(ValueError, match=f"test_from: 'validation' for a folder .*got '{test_from}' for '{data}'"):
            load_task_data("translation", data, test_from=test_from)
    folder = write([PAIR], validation=[PAIR, PAIR], test=None)
    (folder / "test.jsonl").unlink()
    with pytest.raises(ValueError, match="no test in one validation source; expected several"):
        load_task_data("translation", folder, test_from="validation")


# ---- standard input


@pytest.mark.parametrize("as_bytes", [True, False])
def test_a_stream_holds_a_text_a_line(as_bytes):
    text = '\ufeffThe cat.\r\n\n {"source": " A dog. ", "target": 3}\n{"task": "summarization", "document": "Rain."}'
    assert read_stream(text.encode() if as_bytes else text, TRANSLATION) == [
        (TRANSLATION, {"source": "The cat."}),
        None,
        (TRANSLATION, {"source": "A dog."}),
        (SUMMARIZATION, {"document": "Rain."}),
    ]


def test_a_text_of_its_own_may_have_line_breaks():
    assert read_text("One.\nTwo.\n", SUMMARIZATION) == (SUMMARIZATION, {"document": "One.\nTwo."})


@pytest.mark.parametrize(
    "line, task, message",
    [
        ('{"source": "Anna bought a boat on Monday."},', TRANSLATION, r"begins like JSON and is none \(Extra data"),
        ('{"a":' * 99_999, TRANSLATION, "begins like JSON and is none"),
        ("[Music] What fell?", QUESTIONS_TASK, "expected a JSON object with its fields"),
        ('["Anna sings."]', TRANSLATION, 'expected a JSON object like {"source": ...}, got list'),
        ("What fell?", QUESTIONS_TASK, r'for question_answering expected a JSON object .*{"context": ..., "question": ...}'),
        ('{"question": "What fell?"}', QUESTIONS_TASK, "field 'context' is missing"),
        ('{"source": "A cat."}', None, 'expected a JSON object with a field "task", or --task; got '),
        ("A cat.", None, 'expected a JSON object with a field "task", or --task; got '),
        ('{"task": "poetry", "source": "A cat."}', None, "unknown task 'poetry'"),
        ('{"task": 3, "source": "A cat."}', TRANSLATION, "unknown task '3'"),
        ('{"source": " "}', TRANSLATION, "field 'source' must be a text that is not blank"),
    ],
)
def test_an_unusable_line_is_named(line, task, message):
    good = '{"task": "translation", "source": "A cat."}\n\n'
    with pytest.raises(ValueError, match=f"line 3: .*{message}"):
        read_stream(good + line, task)


@pytest.mark.parametrize("text", ["[Reuters] The mayor opened a bridge.", "[" * 99_999])
def test_a_text_may_begin_with_a_bracket(text):
    assert read_text(text, SUMMARIZATION) == (SUMMARIZATION, {"document": text})


def test_an_empty_stream_and_one_in_another_encoding():
    with pytest.raises(ValueError, match="got no text"):
        read_stream("\ufeff\n \n", TRANSLATION)
    with pytest.raises(ValueError, match="line 2: not UTF-8"):
        read_stream(b"Brot\nK\xe4se", TRANSLATION)


# ---- public datasets

# The headers of the hub's README.md files, without what does not matter for loading (authors, languages, sizes).
CNN_CARD = """---
dataset_info:
{infos}configs:
{configs}train-eval-index: []
---
"""
CNN_INFO = """- config_name: {0}
  features:
  - name: article
    dtype: string
  - name: highlights
    dtype: string
  - name: id
    dtype: string
"""
CNN_CONFIG = """- config_name: {0}
  data_files:
  - split: train
    path: {0}/train-*
  - split: validation
    path: {0}/validation-*
  - split: test
    path: {0}/test-*
"""
SQUAD_CARD = """---
dataset_info:
  config_name: plain_text
  features:
  - name: id
    dtype: string
  - name: title
    dtype: string
  - name: context
    dtype: string
  - name: question
    dtype: string
  - name: answers
    sequence:
    - name: text
      dtype: string
    - name: answer_start
      dtype: int32
configs:
- config_name: plain_text
  data_files:
  - split: train
    path: plain_text/train-*
  - split: validation
    path: plain_text/validation-*
---
"""
MULTI30K_CARD = "---\ntask_categories:\n- translation\nlanguage:\n- en\n- de\n---\n"

TOWNS = ["Ahlen", "Bonn", "Celle", "Dachau", "Emden"]
ARTICLES = [
    {
        "article": f"{town} (CNN) -- The mayor of {town} opened bridge {i}. " + "It is long and of stone. " * (60 * (i == 0)),
        "highlights": f"{town} has bridge {i} .\nThe mayor opened it .",
        "id": f"{i:040x}",
    }
    for i, town in enumerate(TOWNS * 2)
]
QUESTIONS = [
    {
        "id": f"{i:024x}",
        "title": town,
        "context": f"{town} lies on a river. It has {i} bridges.",
        "question": f" How many bridges has\n{town}? ",
        "answers": {"text": [f"{i}", f"{i} bridges", f"{i}"], "answer_start": [3, 3, 3]},
    }
    for i, town in enumerate(TOWNS * 3, start=2)
]
CAPTIONS = [{"en": f"Two dogs run in {town}.", "de": f"Zwei Hunde laufen in {town}."} for town in TOWNS]


def write_parquet(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    datasets.Dataset.from_list(rows).to_parquet(str(path))


def write_cnn(folder, rows=ARTICLES):
    for config in ("1.0.0", "3.0.0"):
        shards = [f"train-0000{i}-of-00003" for i in range(3)]
        for i, name in enumerate([*shards, "validation-00000-of-00001", "test-00000-of-00001"]):
            write_parquet(folder / config / f"{name}.parquet", rows[2 * i : 2 * i + 2] if config == "3.0.0" else rows[:1])
    parts = ("".join(text.format(config) for config in ("1.0.0", "3.0.0")) for text in (CNN_INFO, CNN_CONFIG))
    (folder / "README.md").write_text(CNN_CARD.format(**dict(zip(("infos", "configs"), parts, strict=True))))


def write_squad(folder, rows=QUESTIONS):
    for split, part in (("train", rows[:5]), ("validation", rows[5:])):
        write_parquet(folder / "plain_text" / f"{split}-00000-of-00001.parquet", part)
    (folder / "README.md").write_text(SQUAD_CARD)


def write_multi30k(folder, rows=CAPTIONS):
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("train", "val", "test"):
        lines = [json.dumps(row, ensure_ascii=False) for row in rows]
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "README.md").write_text(MULTI30K_CARD)


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    """A folder with all three, and a cache of its own."""
    folder = tmp_path / "mirror"
    write_cnn(folder / "abisee" / "cnn_dailymail")
    write_squad(folder / "rajpurkar" / "squad")
    write_multi30k(folder / "bentrevett" / "multi30k")
    monkeypatch.setenv("COURSE_PUBLIC_DATA", str(folder))
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    return folder


def test_articles_become_summarization_records_with_one_line_summaries(mirror):
    data = load_task_data("summarization", "hub")
    assert {split: len(rows) for split, rows in data.items()} == {"train": 6, "validation": 2, "test": 2}
    assert data["test"].to_list() == [
        {"document": ARTICLES[i]["article"].strip(), "summary": f"{TOWNS[i - 5]} has bridge {i} . The mayor opened it ."}
        for i in (8, 9)
    ]


def test_questions_keep_every_different_answer(mirror):
    data = load_task_data("question_answering", "hub")
    assert data["train"][0] == {
        "context": "Ahlen lies on a river. It has 2 bridges.",
        "question": "How many bridges has Ahlen?",
        "answers": ["2", "2 bridges"],
    }


def test_captions_become_translation_records(mirror):
    data = load_task_data("translation", "hub")
    assert list(data) == ["train", "validation", "test"]
    assert data["validation"][3] == {"source": "Two dogs run in Dachau.", "target": "Zwei Hunde laufen in Dachau."}


def test_squads_test_split_shares_no_article_with_validation(mirror):
    splits = load_public_task(TASKS["question_answering"])
    titles = {split: set(rows["title"]) for split, rows in splits.items()}
    assert titles["validation"] == {"Ahlen", "Celle", "Emden"} and titles["test"] == {"Bonn", "Dachau"}
    assert len(splits["validation"]) + len(splits["test"]) == 10
    write_squad(mirror / "rajpurkar" / "squad", QUESTIONS[:5] + QUESTIONS[:4:-1])  # another order, the same parts
    again = load_public_task(TASKS["question_answering"])
    assert sorted(again["test"]["id"]) == sorted(splits["test"]["id"])


def test_a_limit_draws_with_the_seed_and_converts_nothing_else(mirror, monkeypatch):
    converted = []
    monkeypatch.setattr(records_module, "to_record", lambda row, *rest: converted.append(row["id"]) or to_record(row, *rest))
    first = load_task_data("summarization", "hub", max_train=2, max_eval=1, seed=3)
    assert [len(rows) for rows in first.values()] == [2, 1, 1]
    assert len(converted) == len(set(converted)) == 4
    again, other = (load_task_data("summarization", "hub", max_train=2, seed=seed)["train"] for seed in (3, 4))
    assert again.to_list() == first["train"].to_list() != other.to_list()


def load_in(folder, monkeypatch):
    monkeypatch.setenv("COURSE_PUBLIC_DATA", str(folder))
    return load_task_data("translation", "hub")["train"].to_list()


def test_another_folder_or_another_file_is_never_answered_from_the_cache(mirror, monkeypatch, tmp_path):
    old = load_in(mirror, monkeypatch)
    write_multi30k(tmp_path / "other" / "bentrevett" / "multi30k", CAPTIONS[::-1])
    assert load_in(tmp_path / "other", monkeypatch) == old[::-1]
    train = mirror / "bentrevett" / "multi30k" / "train.jsonl"
    before = train.stat()
    train.write_text(train.read_text(encoding="utf-8").replace("Two dogs", "Six dogs"), encoding="utf-8")  # of the same size
    os.utime(train, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert load_in(mirror, monkeypatch)[0]["source"] == "Six dogs run in Ahlen."
    train.unlink()
    with pytest.raises(ValueError, match="bentrevett/multi30k: no split train"):
        load_in(mirror, monkeypatch)


def test_good_public_data_bring_no_warning(mirror):
    with warnings.catch_warnings(action="error", category=RecordWarning):
        for task in TASKS:
            load_task_data(task, "hub")


# ---- what can be wrong


def test_rows_with_a_blank_text_are_dropped_and_counted(mirror):
    write_multi30k(mirror / "bentrevett" / "multi30k", [*CAPTIONS, {"en": " \n", "de": "Leer."}, {"en": "A cat.", "de": None}])
    with pytest.warns(RecordWarning, match=r"bentrevett/multi30k, split 'train': dropped 2 of 7 rows, a text is blank"):
        assert len(load_task_data("translation", "hub")["train"]) == 5


@pytest.mark.parametrize("texts", [[], [" "]])
def test_a_question_without_an_answer_is_dropped(mirror, texts):
    blank = {**QUESTIONS[0], "answers": {"text": texts, "answer_start": [0] * len(texts)}}
    write_squad(mirror / "rajpurkar" / "squad", [blank, *QUESTIONS[1:]])
    with pytest.warns(RecordWarning, match=r"rajpurkar/squad, split 'train': dropped 1 of 5 rows"):
        assert len(load_task_data("question_answering", "hub")["train"]) == 4


def test_nothing_but_blank_rows_is_an_error(mirror):
    write_multi30k(mirror / "bentrevett" / "multi30k", [{"en": "", "de": "Leer."}])
    with pytest.raises(ValueError, match=r"bentrevett/multi30k, split 'train', none of 1 rows"):
        load_task_data("translation", "hub")


def test_a_column_that_holds_no_texts_is_an_error(mirror):
    write_multi30k(mirror / "bentrevett" / "multi30k", [{"en": 7, "de": "Sieben."}])
    with pytest.raises(ValueError, match=r"bentrevett/multi30k, split 'train', one row: field 'source' must be a text"):
        load_task_data("translation", "hub")


@pytest.mark.parametrize(
    "task, name, message",
    [
        ("translation", "de", ", split 'train', one row: field 'target' is missing; the row has 'en'"),
        ("summarization", "highlights", ", split 'train', one row: field 'summary' is missing; the row has 'article', 'id'"),
        ("question_answering", "title", ": no split test, only train, validation; has the dataset changed"),
    ],
)
def test_a_missing_column_names_dataset_and_what_is_there(mirror, task, name, message):
    def without(rows):
        return [{key: value for key, value in row.items() if key != name} for row in rows]

    shutil.rmtree(mirror)
    write_cnn(mirror / "abisee" / "cnn_dailymail", without(ARTICLES))
    write_squad(mirror / "rajpurkar" / "squad", without(QUESTIONS))
    write_multi30k(mirror / "bentrevett" / "multi30k", without(CAPTIONS))
    for card in mirror.rglob("README.md"):  # or the library itself would complain that card and files differ
        card.write_text(card.read_text().replace(f"  - name: {name}\n    dtype: string\n", ""))
    with pytest.raises(ValueError, match=PUBLIC_DATASETS[task].path + message):
        load_task_data(task, "hub")


def test_a_missing_split_is_an_error(mirror):
    (mirror / "bentrevett" / "multi30k" / "test.jsonl").unlink()
    with pytest.raises(ValueError, match="bentrevett/multi30k: no split test, only train, validation"):
        load_task_data("translation", "hub")


def test_a_missing_folder_is_an_error_even_with_a_hub(mirror):
    shutil.rmtree(mirror / "rajpurkar")
    with pytest.raises(FileNotFoundError, match=r"COURSE_PUBLIC_DATA=.*without rajpurkar/squad: expected .*unset the variable"):
        load_task_data("question_answering", "hub")


@pytest.mark.parametrize("lost", ["README.md", "1.0.0", "3.0.0/test-00000-of-00001.parquet"])
def test_an_incomplete_copy_is_an_error_that_names_the_folder(mirror, lost):
    path = mirror / "abisee" / "cnn_dailymail" / lost
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(ValueError, match=r"cnn_dailymail is not a copy of all that the hub has.*README.md included: "):
        load_task_data("summarization", "hub")


def test_a_broken_file_is_an_error_that_names_the_folder(mirror):
    (mirror / "rajpurkar" / "squad" / "plain_text" / "train-00000-of-00001.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(ValueError, match=r"rajpurkar.squad is not a copy of all that the hub has"):
        load_task_data("question_answering", "hub")


# ---- the hub, out of reach


@pytest.fixture
def no_network(mirror, monkeypatch):
    """A hub at an address that never answers, and libraries that believe they are online."""

    def hang(*args, **kwargs):
        time.sleep(20)
        raise OSError("timed out")

    monkeypatch.delenv("COURSE_PUBLIC_DATA")
    for module in (huggingface_hub.constants, datasets.config):
        monkeypatch.setattr(module, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(socket, "create_connection", hang)


def test_no_network_is_an_error_within_five_seconds_that_names_the_switch(no_network):
    start = time.perf_counter()
    with pytest.raises(OSError, match=r"abisee/cnn_dailymail is not in the local cache, and the hub does not answer.*"
                                      r"COURSE_PUBLIC_DATA.*COURSE_SCALE=mini"):
        load_task_data("summarization", "hub", max_train=10)
    assert time.perf_counter() - start < 5
    assert not (datasets.config.HF_HUB_OFFLINE or huggingface_hub.constants.HF_HUB_OFFLINE), "the next try may find a network"


@pytest.mark.parametrize("module", [huggingface_hub.constants, datasets.config], ids=["hub", "datasets"])
def test_offline_mode_is_an_error_at_once_that_names_the_switch(no_network, monkeypatch, module):
    monkeypatch.setattr(module, "HF_HUB_OFFLINE", True)
    start = time.perf_counter()
    with pytest.raises(OSError, match=r"HF_HUB_OFFLINE=1 forbids a download.*COURSE_SCALE=mini"):
        load_task_data("translation", "hub")
    assert time.perf_counter() - start < 5


def test_what_was_downloaded_before_loads_without_network(no_network, monkeypatch, mirror, tmp_path):
    """The cache's layout: owner___name/config/version/<commit>/, with arrow files and dataset_info.json."""
    monkeypatch.setenv("COURSE_PUBLIC_DATA", str(mirror))
    load_public_task(TASKS["question_answering"])
    (built,) = (tmp_path / "cache").glob("copy-*/squad/plain_text/0.0.0/*[0-9a-f]")
    home = tmp_path / "cache" / "rajpurkar___squad" / "plain_text" / "0.0.0" / ("0" * 40)
    home.parent.mkdir(parents=True)
    built.rename(home)
    monkeypatch.delenv("COURSE_PUBLIC_DATA")
    data = load_task_data("question_answering", "hub", max_train=3)
    assert [len(rows) for rows in data.values()] == [3, 6, 4]


def test_with_the_hub_in_reach_the_hub_is_asked(mirror, monkeypatch):
    asked = []
    monkeypatch.delenv("COURSE_PUBLIC_DATA")
    for module in (huggingface_hub.constants, datasets.config):
        monkeypatch.setattr(module, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(records_module, "hub_within_reach", lambda: True)
    monkeypatch.setattr(datasets, "load_dataset", lambda *names: asked.append(names) or {})
    for task in TASKS.values():
        with pytest.raises(ValueError, match="no split"):
            load_public_task(task)
    assert asked == [("abisee/cnn_dailymail", "3.0.0"), ("rajpurkar/squad", "plain_text"), ("bentrevett/multi30k", None)]


# ---- from public rows to scores


def test_any_of_the_references_is_an_exact_match(mirror):
    task = TASKS["question_answering"]
    records = public_records(load_public_task(task)["validation"], task, "validation")
    references = [task.references(record) for record in records]
    second = [answers[1] for answers in references]
    assert compute_metrics(["exact_match"], second, references)["exact_match"] == 100
    assert compute_metrics(["exact_match"], second, [answers[:1] for answers in references])["exact_match"] == 0


def test_control_data_are_the_same_records_in_another_style(tmp_path, monkeypatch):
    for folder, target in (("translation", "eins"), ("translation_control", "zwei")):
        for split in ("train", "validation", "test"):
            (tmp_path / "tasks" / folder).mkdir(parents=True, exist_ok=True)
            (tmp_path / "tasks" / folder / f"{split}.jsonl").write_text(json.dumps({"source": "one", "target": target}) + "\n")
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    assert load_task_data("translation")["test"]["target"] == ["eins"]
    assert load_task_data("translation", "control")["test"]["target"] == ["zwei"]
    with pytest.raises(FileNotFoundError, match=r"expected a folder with train, validation, test, got .*summarization_control"):
        load_task_data("summarization", "control")
