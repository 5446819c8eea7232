"""Public datasets, from folders laid out as the hub lays them out, with a few rows that were made up here."""

import json
import shutil
import socket
import time

import datasets
import huggingface_hub.constants
import pytest

from course_utils import public_data
from course_utils.data import encode, load_task_data
from course_utils.evaluation import evaluate
from course_utils.metrics import compute_metrics
from course_utils.public_data import PUBLIC_DATASETS, load_public_task, to_records
from course_utils.soft_prompt import GPT2WithSoftPrompt
from course_utils.tasks import TASKS
from course_utils.training import TrainingConfig, fit

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


@pytest.fixture(autouse=True)
def mirror(tmp_path, monkeypatch):
    """A folder with all three, and a cache of its own."""
    folder = tmp_path / "mirror"
    write_cnn(folder / "abisee" / "cnn_dailymail")
    write_squad(folder / "rajpurkar" / "squad")
    write_multi30k(folder / "bentrevett" / "multi30k")
    monkeypatch.setenv("COURSE_PUBLIC_DATA", str(folder))
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    return folder


# ---- records


def test_articles_become_summarization_records_with_one_line_summaries():
    data = load_task_data("summarization", "hub")
    assert {split: len(rows) for split, rows in data.items()} == {"train": 6, "validation": 2, "test": 2}
    assert data["test"].to_list() == [
        {"document": ARTICLES[i]["article"].strip(), "summary": f"{TOWNS[i - 5]} has bridge {i} . The mayor opened it ."}
        for i in (8, 9)
    ]


def test_questions_keep_every_different_answer():
    data = load_task_data("question_answering", "hub")
    assert data["train"][0] == {
        "context": "Ahlen lies on a river. It has 2 bridges.",
        "question": "How many bridges has Ahlen?",
        "answers": ["2", "2 bridges"],
    }


def test_captions_become_translation_records():
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


def test_a_limit_draws_with_the_seed_and_converts_nothing_else(monkeypatch):
    converted = []
    public = PUBLIC_DATASETS["summarization"]

    def to_record(row):
        converted.append(row["id"])
        return public.to_record(row)

    monkeypatch.setitem(PUBLIC_DATASETS, "summarization", public_data.PublicDataset(*list(vars(public).values())[:3], to_record))
    first = load_task_data("summarization", "hub", max_train=2, max_eval=1, seed=3)
    assert [len(rows) for rows in first.values()] == [2, 1, 1]
    assert len(set(converted)) == 4
    again, other = (load_task_data("summarization", "hub", max_train=2, seed=seed)["train"] for seed in (3, 4))
    assert again.to_list() == first["train"].to_list() != other.to_list()


# ---- what can be wrong


def test_rows_with_a_blank_text_are_dropped_and_counted(mirror):
    write_multi30k(mirror / "bentrevett" / "multi30k", [*CAPTIONS, {"en": " \n", "de": "Leer."}, {"en": "A cat.", "de": None}])
    with pytest.warns(UserWarning, match=r"bentrevett/multi30k, split 'train': dropped 2 of 7 rows, a text is blank"):
        assert len(load_task_data("translation", "hub")["train"]) == 5


@pytest.mark.parametrize("texts", [[], [" "]])
def test_a_question_without_an_answer_is_dropped(mirror, texts):
    blank = {**QUESTIONS[0], "answers": {"text": texts, "answer_start": [0] * len(texts)}}
    write_squad(mirror / "rajpurkar" / "squad", [blank, *QUESTIONS[1:]])
    with pytest.warns(UserWarning, match=r"rajpurkar/squad, split 'train': dropped 1 of 5 rows"):
        assert len(load_task_data("question_answering", "hub")["train"]) == 4


def test_nothing_but_blank_rows_is_an_error(mirror):
    write_multi30k(mirror / "bentrevett" / "multi30k", [{"en": "", "de": "Leer."}])
    with pytest.raises(ValueError, match=r"bentrevett/multi30k, split 'train': none of 1 rows"):
        load_task_data("translation", "hub")


def test_a_column_that_holds_no_texts_is_an_error(mirror):
    write_multi30k(mirror / "bentrevett" / "multi30k", [{"en": 7, "de": "Sieben."}])
    with pytest.raises(ValueError, match=r"bentrevett/multi30k, split 'train': a column of en, de does not hold texts"):
        load_task_data("translation", "hub")


@pytest.mark.parametrize("task, name", [("translation", "de"), ("summarization", "highlights"), ("question_answering", "title")])
def test_a_missing_column_names_dataset_split_and_what_is_there(mirror, task, name):
    def without(rows):
        return [{key: value for key, value in row.items() if key != name} for row in rows]

    shutil.rmtree(mirror)
    write_cnn(mirror / "abisee" / "cnn_dailymail", without(ARTICLES))
    write_squad(mirror / "rajpurkar" / "squad", without(QUESTIONS))
    write_multi30k(mirror / "bentrevett" / "multi30k", without(CAPTIONS))
    for card in mirror.rglob("README.md"):  # or the library itself would complain that card and files differ
        card.write_text(card.read_text().replace(f"  - name: {name}\n    dtype: string\n", ""))
    path = PUBLIC_DATASETS[task].path
    with pytest.raises(ValueError, match=rf"{path}, split 'train': no column '{name}', only '"):
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
def no_network(monkeypatch):
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
    (built,) = (tmp_path / "cache" / "squad" / "plain_text" / "0.0.0").glob("*[0-9a-f]")
    home = tmp_path / "cache" / "rajpurkar___squad" / "plain_text" / "0.0.0" / ("0" * 40)
    home.parent.mkdir(parents=True)
    built.rename(home)
    monkeypatch.delenv("COURSE_PUBLIC_DATA")
    data = load_task_data("question_answering", "hub", max_train=3)
    assert [len(rows) for rows in data.values()] == [3, 6, 4]


def test_with_the_hub_in_reach_the_hub_is_asked(monkeypatch):
    asked = []
    monkeypatch.delenv("COURSE_PUBLIC_DATA")
    for module in (huggingface_hub.constants, datasets.config):
        monkeypatch.setattr(module, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(public_data, "hub_within_reach", lambda: True)
    monkeypatch.setattr(datasets, "load_dataset", lambda *names: asked.append(names) or {})
    for task in TASKS.values():
        with pytest.raises(ValueError, match="no split"):
            load_public_task(task)
    assert asked == [("abisee/cnn_dailymail", "3.0.0"), ("rajpurkar/squad", "plain_text"), ("bentrevett/multi30k", None)]


# ---- from public rows to scores


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_public_rows_go_all_the_way(task, gpt2, tokenizer):
    """encode, one step of training, evaluation; the long article is cut at its end and counted."""
    data = load_task_data(task, "hub")
    sets = {split: encode(rows, task, tokenizer, 128, prompt_length=4) for split, rows in data.items()}
    assert sets["train"].truncated == (task.name == "summarization")
    soft = GPT2WithSoftPrompt(gpt2, [task.soft_token], prompt_length=4)
    before = soft.soft_embedding.weight.detach().clone()
    log = fit(soft, sets["train"], sets["validation"], TrainingConfig(epochs=1, batch_size=8), progress=False)
    assert log.epochs[0]["validation_loss"] > 0 and not before.equal(soft.soft_embedding.weight)
    result = evaluate(soft, tokenizer, task, data["train"], max_new_tokens=4)
    assert result["n"] == len(data["train"]) and result["truncated"] == (task.name == "summarization")
    assert set(task.metrics) <= set(result)


def test_any_of_the_references_is_an_exact_match():
    task = TASKS["question_answering"]
    records = to_records(load_public_task(task)["validation"], task, "validation")
    references = [task.references(record) for record in records]
    second = [answers[1] for answers in references]
    assert compute_metrics(["exact_match"], second, references)["exact_match"] == 100
    assert compute_metrics(["exact_match"], second, [answers[:1] for answers in references])["exact_match"] == 0
