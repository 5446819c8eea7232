"""What ships in `data/`: the tasks' files, the base models, and that nothing of the test was ever trained on."""

import gzip
import hashlib
import json
import re
import sys
from itertools import pairwise

import pytest
from safetensors import safe_open

from course_utils import TASKS, GPT2WithSoftPrompt, Study, TrainingConfig, encode, evaluate_loss, load_base_model, load_task_data
from course_utils.base_models import COURSE_MODELS
from course_utils.lessons.setup import repository_root
from course_utils.results import ROW_KEYS, config_hash

DATA = repository_root() / "data"
PAGES = 1500   # of the pre-training text, made again here; data/build/overlap.json holds the count over all of it


@pytest.fixture(scope="module")
def build():
    """The scripts of data/build, which import each other as top-level modules."""
    sys.path.insert(0, str(DATA / "build"))
    before = set(sys.modules)
    import card
    import grammar
    import pages
    import tasks
    import text
    yield {"card": card, "tasks": tasks, "text": text, "pages": pages, "grammar": grammar}
    sys.path.remove(str(DATA / "build"))
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], "__file__", None) and str(DATA) in str(sys.modules[name].__file__):
            del sys.modules[name]


@pytest.mark.parametrize("task", TASKS)
def test_splits_have_the_sizes_and_checksums_that_the_card_states(task):
    card = (DATA / "README.md").read_text("utf-8")
    for split, rows in load_task_data(task).items():
        path = f"tasks/{task}/{split}.jsonl"
        size, checksum = re.search(rf"^\| {path} \| ([\d,]+) \| `(\w+)` \|$", card, re.M).groups()
        assert len(rows) == int(size.replace(",", ""))
        assert hashlib.sha256((DATA / path).read_bytes()).hexdigest() == checksum


@pytest.mark.parametrize("table", ["headroom", "tasks", "world", "overlap"])
def test_the_card_shows_what_ships(build, table):
    card = (DATA / "README.md").read_text("utf-8")
    made = getattr(build["card"], {"tasks": "task"}.get(table, table) + "_table")()
    assert build["card"].fill(card, table, made) == card, "run data/build/card.py"


@pytest.mark.parametrize("task", TASKS)
def test_the_files_are_what_the_scripts_make(build, task):
    for split in ("validation", "test"):
        _, made = build["tasks"].make(task, split)
        assert made == build["tasks"].read(task, split), "run data/build/tasks.py, or do not change the gazette"


def test_events_of_different_splits_are_different(build):
    for task in TASKS:
        keys = {split: set(build["tasks"].make(task, split)[0]) for split in ("train", "validation", "test")}
        assert [len(found) for found in keys.values()] == [len(rows) for rows in load_task_data(task).values()]
        assert not keys["test"] & (keys["train"] | keys["validation"]) and not keys["validation"] & keys["train"]


def test_no_event_of_the_test_was_in_any_training_text(build):
    tasks, text = build["tasks"], build["text"]

    def training_texts():
        yield from tasks.training_records()
        yield from (text.page_number(i) for i in range(PAGES))

    found = tasks.overlap(training_texts())
    assert found["training_texts"] == PAGES + len(list(tasks.training_records()))
    assert found["event_8grams"] > 0 and found["people"] > 0
    assert found["people_shared"] == 0 and found["event_8grams_shared"] == 0


def test_the_overlap_check_sees_an_overlap(build):
    record = build["tasks"].read("summarization", "test")[0]
    found = build["tasks"].overlap([build["tasks"].text_of(record)])
    assert found["people_shared"] > 0 and found["event_8grams_shared"] > 0


def test_the_whole_pre_training_text_was_checked(build):
    found = json.loads((DATA / "build" / "overlap.json").read_text())
    card = json.loads((DATA / "base_models" / "training.json").read_text())
    assert found["training_texts"] == card["text"]["pages"] + sum(len(load_task_data(task)["train"]) for task in TASKS)
    assert found["people_shared"] == 0 and found["event_8grams_shared"] == 0


def test_the_reported_hard_prompts_never_occur_in_the_pre_training_text(build):
    reported = [prompt.lower() for prompt in build["pages"].REPORTED_HARD_PROMPTS]
    assert reported == [task.hard_prompt.lower() for task in TASKS.values()]
    pages = build["pages"]
    for cues in (pages.SUMMARY_CUES, pages.SUMMARY_HEADERS, pages.ANSWER_HEADERS, pages.TRANSLATION_CUES,
                 pages.TRANSLATION_HEADERS):
        assert not {cue.lower().strip(":.") for cue in cues} & {prompt.strip(":.") for prompt in reported}
    for i in range(PAGES):
        page = build["text"].page_number(i).lower()
        assert not any(prompt in page for prompt in reported)


def test_no_word_of_the_gazette_stands_for_two(build):
    gazette = sys.modules["gazette"]
    assert len({noun.de for noun in gazette.NOUNS}) == len(gazette.NOUNS)
    assert len({verb.de for verb in gazette.VERBS}) == len(gazette.VERBS)


def test_documents_have_70_to_160_words_and_summaries_at_most_25():
    for field, task in (("document", "summarization"), ("context", "question_answering")):
        for rows in load_task_data(task).values():
            assert all(70 <= len(row[field].split()) <= 160 for row in rows)
    for rows in load_task_data("summarization").values():
        assert all(len(row["summary"].split()) <= 25 for row in rows)


def test_the_main_event_is_the_one_that_more_people_came_to_see():
    for row in load_task_data("summarization")["test"]:
        crowds = sorted(int(number) for number in re.findall(r"about (\d+)", row["document"], re.IGNORECASE))
        assert len(crowds) == 2 and crowds[0] <= 50 and crowds[1] >= 70


@pytest.mark.parametrize("task", TASKS)
def test_the_control_style_differs_in_the_target_alone(task):
    for split, rows in load_task_data(task, "control").items():
        main, target = load_task_data(task)[split], TASKS[task].target_field
        assert len(main) == len(rows)
        different = [ours[target] != theirs[target] for ours, theirs in zip(main, rows, strict=True)]
        assert all({**ours, target: None} == {**theirs, target: None} for ours, theirs in zip(main, rows, strict=True))
        assert sum(different) > 0.7 * len(rows)      # "hatte vorgeschlagen" is the same in both


def test_the_world_keeps_its_rules(build):
    """The mechanical checks of data/build/check.py, on fewer events than there."""
    import random

    import check

    check.check_by_hand()
    check.check_world()
    rng = random.Random(3)
    for i in range(150):
        check.check_event(check.g.draw_event(rng, watched=i % 3 == 0))
        pair = check.g.draw_pair(rng, watched=i % 2 == 0)
        check.check_document(check.g.write_document(pair, rng, audience=i % 2 == 0, spread=i % 2 == 0))


@pytest.mark.parametrize(("adjective", "noun", "forms"), [
    ("alt", ("clock", "clocks", "Uhr", "f", "Uhren"),
     ["die alte Uhr", "die alte Uhr", "der alten Uhr", "eine alte Uhr", "einer alten Uhr"]),
    ("neu", ("table", "tables", "Tisch", "m", "Tische"),
     ["der neue Tisch", "den neuen Tisch", "dem neuen Tisch", "einen neuen Tisch", "einem neuen Tisch"]),
    ("klein", ("boat", "boats", "Boot", "n", "Boote"),
     ["das kleine Boot", "das kleine Boot", "dem kleinen Boot", "ein kleines Boot", "einem kleinen Boot"]),
])
def test_german_endings(build, adjective, noun, forms):
    grammar = build["grammar"]
    word = grammar.Noun(*noun, "thing")
    definite, indefinite = (grammar.Thing(word, ("", adjective), article) for article in ("the", "a"))
    assert [definite.de(case) for case in ("nom", "acc", "dat")] + [indefinite.de(case) for case in ("acc", "dat")] == forms


def test_german_verbs(build):
    grammar = build["grammar"]
    fetch, = grammar.read_verbs("pick up:ab+holen, holt, holte, abgeholt").values()
    assert grammar.verb_group(fetch, "preterite") == ("holte", "ab")
    assert grammar.subordinate("weil", ["Anna", "das Boot"], fetch, "preterite") == "weil Anna das Boot abholte"
    assert grammar.subordinate("weil", ["Anna", "das Boot"], fetch, "perfect") == "weil Anna das Boot abgeholt hat"
    assert fetch.with_zu == "abzuholen" and grammar.verb_group(fetch, "perfect") == ("hat", "abgeholt")


# ---- base models -------------------------------------------------------------------------------------------------------------

def test_base_models_fit_and_grow():
    folders = [DATA / "base_models" / name for name in COURSE_MODELS]
    total = sum(file.stat().st_size for folder in folders for file in folder.iterdir())
    assert total <= 40 * 2**20
    sizes = [load_base_model(name, device="cpu")[0].num_parameters() for name in COURSE_MODELS]
    assert all(2.2 < b / a < 4.5 for a, b in pairwise(sizes)), sizes


@pytest.mark.parametrize("name", COURSE_MODELS)
def test_weights_are_half_precision_safetensors_with_the_checksum_of_the_card(name):
    path = DATA / "base_models" / name / "model.safetensors"
    with safe_open(path, "pt") as file:
        assert {str(file.get_slice(key).get_dtype()) for key in file.keys()} == {"F16"}  # noqa: SIM118
    card = (DATA / "README.md").read_text(encoding="utf-8")
    assert hashlib.sha256(path.read_bytes()).hexdigest() in card


@pytest.mark.parametrize("task", TASKS)
def test_the_shipped_prompt_of_a_task_is_worth_more_than_the_reported_hard_prompt(task):
    model, tokenizer = load_base_model("course-gpt2-m")
    few = load_task_data(task)["test"].select(range(16))
    soft = GPT2WithSoftPrompt(model, [TASKS[task].soft_token], prompt_length=20)
    soft.load_prompt(DATA / "prompts" / task)
    losses = {}
    for name, system, hard_prompt in (("soft", soft, None), ("hard", model, TASKS[task].hard_prompt)):
        encoded = encode(few, task, tokenizer, system, hard_prompt)
        losses[name] = evaluate_loss(system, encoded)
    assert losses["soft"] < losses["hard"] - 0.05, losses


# ---- results -----------------------------------------------------------------------------------------------------------------

RESULTS = sorted(path for path in (DATA / "results").rglob("*") if re.search(r"\.(json|jsonl|jsonl\.gz)$", path.name))
STUDIES = sorted(path for path in RESULTS if path.name.endswith(".runs.jsonl"))


def name_of(path):
    return str(path.relative_to(DATA / "results"))


@pytest.mark.parametrize("path", RESULTS, ids=name_of)
def test_shipped_results_can_be_read_and_hold_no_nan(path):
    def refuse(constant):
        raise ValueError(f"results hold {constant}")

    text = (gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()).decode()
    for part in [text] if path.suffix == ".json" else filter(None, text.split("\n")):
        assert json.loads(part, parse_constant=refuse)


@pytest.mark.parametrize("path", STUDIES, ids=name_of)
def test_every_row_of_a_shipped_study_belongs_to_a_run_of_which_the_configuration_is_known(path):
    study = Study(path.name.removesuffix(".runs.jsonl"), path.parent)
    configs = {run["run"]: run["config"] for run in study.read("runs")}
    assert configs and all(config_hash(config) == run for run, config in configs.items())
    assert all(list(row) == list(ROW_KEYS) and row["run"] in configs for row in study.read())
    rows = study.table()
    answered = {line["run"]: len(line["predictions"]) for line in study.read("predictions")}
    for run, count in answered.items():
        assert set(rows[(rows["run"] == run) & (rows["split"] == "test")]["n"]) == {count}


@pytest.mark.parametrize("task", TASKS)
def test_the_original_configuration_was_measured_as_reported(task):
    runs = Study("results", DATA / "results" / "as_reported" / task).read("runs")
    if not runs:
        pytest.skip("measured by an earlier version of the course")
    config, reported = runs[0]["config"], TrainingConfig.as_reported()
    assert (config["task"], config["prompt_length"], config["max_train"]) == (task, 1, None)
    assert all(config["training"][key] == getattr(reported, key) for key in
               ("epochs", "batch_size", "gradient_accumulation_steps", "clipping_norm"))
