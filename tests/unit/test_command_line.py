"""`python -m course_utils.train`, as a user meets it."""

import copy
import csv
import gzip
import json
import os
import re
import shutil
import sys

import pyarrow
import pyarrow.parquet
import pytest
import torch
from conftest import make_gpt2, make_llama
from tiny_runs import FILES, PROMPT, RECORDS, contents, ends, prompt_of, write_data, write_jsonl, write_model

from course_utils import experiment, generate, train
from course_utils.base_models import load_base_model
from course_utils.batches import tokenize
from course_utils.evaluation import evaluate
from course_utils.experiment import TRAINED
from course_utils.records import load_task_data
from course_utils.results import ROW_KEYS, Study, config_hash
from course_utils.soft_prompt import GPT2WithSoftPrompt
from course_utils.tasks import TASKS
from course_utils.training import TrainingConfig, TrainingDiverged


@pytest.fixture(scope="module")
def model(tokenizer, tmp_path_factory):
    """A tiny random GPT-2 with 128 positions: quick, and easily short of room."""
    return write_model(tmp_path_factory.mktemp("models") / "tiny", make_gpt2(tokenizer), tokenizer)


@pytest.fixture
def data(tmp_path):
    return write_data(tmp_path / "data")


@pytest.fixture
def tiny(model, data):
    return ["--task", "summarization", "--model", model, "--data", data, "--prompt-length", 3, "--epochs", 1]


def run(*argv):
    train.main([str(word) for word in argv])


def study_of(folder):
    return Study("results", folder)


def scores_of(folder):
    return [{key: value for key, value in row.items() if key != "run"} for row in study_of(folder).read()]


def config_of(folder):
    """The configuration of the trained system."""
    return study_of(folder).read("runs")[0]["config"]


@pytest.fixture(scope="module")
def earlier(model, tmp_path_factory):
    """The output of a run, for tests that need one to be there."""
    folder = tmp_path_factory.mktemp("earlier")
    argv = ["--model", model, "--data", write_data(folder / "data"), "--prompt-length", 3, "--epochs", 1]
    run("--task", "summarization", *argv, "--output", folder / "out")
    return folder / "out"


# ---- what a run leaves


@pytest.mark.parametrize("task", TASKS)
def test_the_results_are_those_of_the_prompt_that_is_saved(task, model, tmp_path):
    data = write_data(tmp_path / "data", task)
    argv = ["--task", task, "--model", model, "--data", data, "--prompt-length", 3]
    exact = ["--base-dtype", "float32", "--dtype", "float32"]
    run(*argv, *exact, "--epochs", 2, "--seed", 3, "--learning-rate", 0.3, "--max-eval", 4, "--output", tmp_path / "out")
    assert list(contents(tmp_path / "out")) == PROMPT + FILES
    task, study = TASKS[task], study_of(tmp_path / "out")
    trained, hard, baselines = study.read("runs")
    for each, system in ((trained, "soft prompt"), (hard, "hard prompt"), (baselines, "baselines")):
        assert each["config"]["system"] == system and each["run"] == config_hash(each["config"])
        assert each["versions"]["torch"] == torch.__version__.split("+")[0]
    assert trained["config"]["training"]["seed"] == 3 and hard["config"]["training"] is None
    assert trained["trainable_parameters"] == 3 * 32 and trained["seconds"] > 0

    base, tokenizer = load_base_model(model)
    soft = GPT2WithSoftPrompt(base, [task.soft_token], 3)
    soft.load_prompt(tmp_path / "out")
    limit = int(generate.read_prompt(tmp_path / "out").about["max_new_tokens"])
    rows, records = study.table(), load_task_data(task, data, max_eval=4, seed=3)
    assert list(rows.columns) == list(ROW_KEYS) and set(rows["n"]) == {8, 4}
    best = trained["best_epoch"]  # of one step each
    for split, system, words, run_id, step in (
        ("validation", soft, None, trained["run"], best), ("test", soft, None, trained["run"], best),
        ("test", base, task.hard_prompt, hard["run"], None),
    ):
        found = evaluate(system, tokenizer, task, records[split], words, max_new_tokens=limit)
        mine = rows[(rows["run"] == run_id) & (rows["split"] == split)]
        mine = mine[mine["step"].isna() if step is None else mine["step"] == step]
        expected = {key: pytest.approx(found[key], rel=1e-4, abs=1e-6) for key in ("loss", *task.metrics)}
        assert dict(zip(mine["metric"], mine["value"], strict=True)) == expected
        if split == "test":
            predictions, = (line["predictions"] for line in study.read("predictions") if line["run"] == run_id)
            assert predictions == found["predictions"]
    assert len(rows[(rows["split"] == "train") & (rows["metric"] == "loss")]) == 2
    assert {"copy of the source", "unigram frequencies"} <= set(rows[rows["run"] == baselines["run"]]["system"])


def test_same_seed_same_output(tiny, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        run(*tiny, "--max-train", 4, "--seed", seed, "--output", tmp_path / name)
    a, b, c = ([prompt_of(tmp_path / name).tolist(), *(contents(tmp_path / name)[file] for file in FILES[:2])] for name in "abc")
    assert a == b and a[0] != c[0]


@pytest.mark.parametrize("system", TRAINED)
def test_every_system_is_trained_tested_and_saved_as_safetensors(system, tiny, model, tmp_path, tokenizer):
    run(*tiny, "--system", system, "--output", tmp_path / "out")
    place = {"LoRA": "adapter", "full fine-tuning": "model"}.get(system, "prompt")
    files = {path.name for path in (tmp_path / "out" / place).iterdir()}
    assert ("model.safetensors" if place == "model" else "adapter_model.safetensors") in files
    assert all(name.endswith((".safetensors", ".json", ".md", ".jinja")) for name in files), files
    assert {path.name for path in (tmp_path / "out").iterdir()} == {place, *FILES}
    rows = study_of(tmp_path / "out").table()
    assert (rows[rows["split"] == "test"]["metric"] == "loss").sum() == 3  # the system, the hard prompt, unigram frequencies
    # The hard prompt beside it was tested on a base model that nobody had changed.
    base, _ = load_base_model(model)
    found = evaluate(base, tokenizer, "summarization", RECORDS["summarization"], TASKS["summarization"].hard_prompt)
    hard = rows[rows["system"].str.startswith("hard prompt") & (rows["metric"] == "loss")]
    assert float(hard["value"].iloc[0]) == pytest.approx(found["loss"], rel=0.01)  # which may be bfloat16
    run(*tiny, "--system", system, "--output", tmp_path / "out", "--overwrite")
    if place == "model":
        run(*tiny, "--model", tmp_path / "out" / "model", "--output", tmp_path / "next")


# ---- what a run prints


def test_lines_for_every_epoch_and_test_and_no_bars_without_a_terminal(tiny, tmp_path, capsys):
    run(*tiny, "--epochs", 2, "--output", tmp_path / "out")
    said = capsys.readouterr()
    number = r"\d+(\.\d+)?(e-\d+)?"
    metrics = rf"rouge1 {number}, rouge2 {number}, rougeL {number}, exact match {number}, exact match percentage {number}"
    for epoch in (1, 2):
        assert re.search(rf"^Epoch {epoch}/2: train loss {number}, validation loss {number}, {metrics}$", said.out, re.M)
    for system in ("soft prompt, 3 tokens", "hard prompt: Summarize the following content"):
        assert re.search(rf"^Test, {system}: loss {number}, {metrics}$", said.out, re.M)
    assert re.search(rf"^Test, copy of the source: {metrics}$", said.out, re.M)
    assert said.err == ""


def test_bars_on_a_terminal(tiny, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    run(*tiny, "--output", tmp_path / "out")
    said = capsys.readouterr().err
    assert all(f"{bar}: " in said for bar in ("Epoch 1/1", "Validation", "Generation")) and "Epoch 1/1: 100%" in said


@pytest.mark.parametrize(("command", "words"), [
    (train, ("--task {summarization,question_answering,translation}", "--max-source-tokens", "(default: 0.03)",
             "(default: embedded)", "--overwrite", "example", "results.jsonl", "--resume")),
    (generate, ("[TASK=]DIR", "--max-new-tokens N", "(default: 32)", "examples")),
])
def test_help_names_options_and_their_defaults(command, words, capsys):
    with pytest.raises(SystemExit) as end:
        command.main(["--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert end.value.code == 0 and "None" not in text and "==SUPPRESS==" not in text
    for word in words:
        assert word in text, word


# ---- options


def test_as_reported_sets_defaults_and_explicit_options_count(tiny, tmp_path):
    tiny = [word for word in tiny if word not in ("--prompt-length", 3, "--epochs", 1)]
    few = ["--max-train", 3, "--max-eval", 1, "--as-reported"]
    run(*tiny, *few, "--output", tmp_path / "reported")
    config = config_of(tmp_path / "reported")
    reported = TrainingConfig.as_reported()
    assert config["prompt_length"] == 1
    assert all(config["training"][name] == getattr(reported, name) for name in config["training"])
    run(*tiny, *few, "--epochs", 2, "--prompt-length", 4, "--output", tmp_path / "changed")
    config = config_of(tmp_path / "changed")
    assert (config["training"]["epochs"], config["training"]["batch_size"], config["prompt_length"]) == (2, 1, 4)


@pytest.mark.parametrize(("words", "expected"), [
    (["--as-reported=True"], 1), (["--as_reported", "true"], 1), (["--as-reported", "False"], 20), (["--as-reported=no"], 20)])
def test_as_reported_may_be_said_in_any_form(words, expected, tmp_path, monkeypatch, capsys):
    seen = []
    monkeypatch.setattr(train, "Material", lambda experiment, seed: seen.append(experiment.prompt_length) or 1 / 0)
    ends(capsys, train.main, "--task", "translation", "--output", tmp_path / "out", *words)
    assert seen == [expected]


@pytest.mark.parametrize("text", ["Anna buys", None])
def test_a_start_from_text(text, tiny, tmp_path, monkeypatch, tokenizer):
    starts = []

    def look(system, *args):
        starts.append(system.soft_rows().detach().clone())
        raise KeyboardInterrupt

    monkeypatch.setattr(experiment, "fit", look)
    with pytest.raises(SystemExit):
        run(*tiny, "--prompt-init", "text", *(["--init-text", text] if text else []), "--output", tmp_path / "out")
    ids = tokenize(tokenizer, [text or TASKS["summarization"].hard_prompt])[0]
    table = load_base_model(tiny[3], dtype="auto")[0].get_input_embeddings().weight
    assert torch.equal(starts[0][0], table[ids[0]].float())


def test_hard_prompt_of_ones_own(tiny, tmp_path):
    run(*tiny, "--hard-prompt", "In short:\n{source}", "--output", tmp_path / "out")
    assert "hard prompt: In short:\n{source}" in set(study_of(tmp_path / "out").table()["system"])


@pytest.mark.parametrize("with_begin_token", [True, False])
def test_a_llama_whose_tokenizer_has_no_pad_token(tokenizer, data, tmp_path, capsys, with_begin_token):
    from tokenizers.processors import TemplateProcessing

    bare = copy.deepcopy(tokenizer)
    bare.pad_token = None
    if with_begin_token:
        bare.backend_tokenizer.post_processor = TemplateProcessing(
            single="<|endoftext|> $A", special_tokens=[("<|endoftext|>", 0)])
    write_model(tmp_path / "llama", make_llama(tokenizer), bare)
    run("--task", "summarization", "--model", tmp_path / "llama", "--data", data, "--prompt-length", 3, "--epochs", 3,
        "--learning-rate", 0.1, "--output", tmp_path / "out")
    rows = study_of(tmp_path / "out").table()
    losses = list(rows[(rows["split"] == "validation") & (rows["metric"] == "loss")]["value"])
    assert losses[-1] < losses[0]
    capsys.readouterr()
    argv = ["--prompt", str(tmp_path / "out"), "--model", str(tmp_path / "llama")]
    generate.main([*argv, "Rain fell all day.", "Anna buys a boat."])
    assert capsys.readouterr().out.count("\n") == 2


# ---- long targets


def long_summary(name):
    return f"{name} buys a boat, a house, a garden, a piano and a bridge, a clock, a lamp, a cart" + ". The mayor was there" * 6


def start_line(capsys):
    line, = re.findall(r"^start: .*$", capsys.readouterr().out, re.M)
    return {name: float(value) for name, value in re.findall(r"(?:^start: |, )([a-z ]+) ([\d.e+]+)", line)}


def test_answers_may_become_as_long_as_99_of_100_training_targets(tiny, data, tmp_path, capsys, tokenizer):
    short = {"document": "It rains.", "summary": "Rain."}
    rows = [{"document": f"{name} went to the shop.", "summary": long_summary(name)} for name in ("Anna", "Bruno")]
    lengths = [len(ids) + 1 for ids in tokenize(tokenizer, [f" {row['summary']}" for row in (short, *rows)])]
    assert 50 < max(lengths) <= 64, lengths
    few = ["--max-eval", 2, "--epochs", 1]
    for split in ("validation", "test"):
        write_jsonl(data / f"{split}.jsonl", rows)
    write_jsonl(data / "train.jsonl", [short] * 97 + [rows[0]] * 3)
    run(*tiny, *few, "--output", tmp_path / "many")
    said = start_line(capsys)
    assert said["max new tokens"] == lengths[1] and said["too long"] == 2 * (lengths[2] > lengths[1])
    write_jsonl(data / "train.jsonl", [short] * 199 + [rows[0]])
    run(*tiny, *few, "--output", tmp_path / "one")
    said = start_line(capsys)
    assert said["max new tokens"] == lengths[0] and said["too long"] == 1 + 2 + 2
    assert study_of(tmp_path / "one").read("runs")[0]["test_too_long"] == 2
    run(*tiny, *few, "--max-new-tokens", 9, "--output", tmp_path / "set")
    assert start_line(capsys)["max new tokens"] == 9
    answers = {name: study_of(tmp_path / name).read("predictions")[0]["predictions"] for name in ("many", "set")}
    assert len(answers["many"][0]) > len(answers["set"][0])
    for name, limit in (("many", lengths[1]), ("set", 9)):
        about = generate.read_prompt(tmp_path / name).about
        assert about["task"] == "summarization" and about["max_new_tokens"] == str(limit)


# ---- records of one's own


def test_targets_with_a_line_break_are_folded_and_the_user_is_told(tiny, data, tmp_path, capsys):
    rows = copy.deepcopy(RECORDS["summarization"])
    rows[2]["summary"] = "Clara buys\na garden."
    write_jsonl(data / "train.jsonl", rows)
    run(*tiny, "--output", tmp_path / "out")
    said = capsys.readouterr()
    assert said.err == f"note: {data / 'train.jsonl'}: 1 of 8 targets had line breaks; folded to one line\n"
    run(*tiny, "--data", write_data(tmp_path / "plain"), "--output", tmp_path / "plain_out")
    assert torch.equal(prompt_of(tmp_path / "out"), prompt_of(tmp_path / "plain_out"))


def test_fields_that_nobody_reads_change_nothing(tiny, data, tmp_path):
    run(*tiny, "--output", tmp_path / "plain")
    more = [{"id": i, "tags": ["a", None], **row, "nested": {"document": "no"}} for i, row in enumerate(RECORDS["summarization"])]
    for split in ("train", "validation", "test"):
        write_jsonl(data / f"{split}.jsonl", more)
    run(*tiny, "--output", tmp_path / "more")
    assert contents(tmp_path / "plain")[FILES[0]] == contents(tmp_path / "more")[FILES[0]]


def test_answers_may_be_lists_and_texts_side_by_side(tiny, tmp_path):
    mixed = [{**row, "answers": row["answers"] if i % 2 else row["answers"][0]}
             for i, row in enumerate(RECORDS["question_answering"])]
    argv = [*tiny, "--task", "question_answering"]
    run(*argv, "--data", write_data(tmp_path / "lists", "question_answering"), "--output", tmp_path / "out")
    for split in ("train", "validation", "test"):
        write_jsonl(tmp_path / "mixed" / f"{split}.jsonl", mixed)
    run(*argv, "--data", tmp_path / "mixed", "--output", tmp_path / "mixed_out")
    assert torch.equal(prompt_of(tmp_path / "out"), prompt_of(tmp_path / "mixed_out"))


def write_kind(path, kind, rows):
    path = path.with_name(path.name + kind)
    if kind == ".csv":
        with path.open("w", newline="", encoding="utf-8-sig") as file:  # as spreadsheets save it
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
    elif kind == ".parquet":
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    else:
        text = json.dumps(rows) if kind == ".json" else "".join(json.dumps(row) + "\n" for row in rows)
        path.write_bytes(gzip.compress(text.encode()) if kind.endswith(".gz") else text.encode())


def test_other_kinds_of_files_are_the_same_records(tiny, data, tmp_path):
    run(*tiny, "--output", tmp_path / "jsonl")
    for kind in (".csv", ".parquet", ".json", ".jsonl.gz"):
        folder = tmp_path / kind[1:]
        folder.mkdir()
        for split in ("train", "validation", "test"):
            write_kind(folder / split, kind, RECORDS["summarization"])
        run(*tiny, "--data", folder, "--output", folder / "out")
        assert torch.equal(prompt_of(folder / "out"), prompt_of(tmp_path / "jsonl")), kind
        assert scores_of(folder / "out") == scores_of(tmp_path / "jsonl"), kind


def test_without_a_test_file_the_error_names_the_option_that_helps(tiny, data, tmp_path, capsys):
    (data / "test.jsonl").unlink()
    code, message = ends(capsys, train.main, *tiny, "--output", tmp_path / "out")
    assert code == 2 and "--test-from validation" in message
    run(*tiny, "--test-from", "validation", "--output", tmp_path / "out")
    assert "records: {'train': 8, 'validation': 4, 'test': 4}" in capsys.readouterr().out


# ---- an output that is there already


def test_existing_output_is_refused_at_once_and_replaced_on_demand(tiny, earlier, tmp_path, capsys, monkeypatch):
    output = tmp_path / "out"
    shutil.copytree(earlier, output)
    before = contents(output)
    with monkeypatch.context() as patch:
        patch.setattr(train, "Material", lambda *args: pytest.fail("it should not have come to that"))
        for option in ([], ["--resume"]):
            code, message = ends(capsys, train.main, *tiny, "--output", output, *option)
            assert code == 2 and f"{output} exists" in message and "--overwrite" in message and contents(output) == before
    run(*tiny, "--prompt-length", 2, "--output", output, "--overwrite")
    assert list(contents(output)) == PROMPT + FILES and len(prompt_of(output)) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "out"]


# ---- bad input


def other(option, *values):
    return lambda argv, tmp_path: [*argv, option, *values]


def spoil(file, text, task="summarization"):
    def change(argv, tmp_path):
        (tmp_path / "data" / file).write_text(text, encoding="utf-8")
        return [*argv, "--task", task]

    return change


def spoil_model(file, data):
    def change(argv, tmp_path):
        folder = shutil.copytree(argv[3], tmp_path / "data" / "model")
        if data is None:
            (folder / file).unlink()
        else:
            (folder / file).write_bytes(data)
        return [*argv, "--model", folder]

    return change


ROW = '{"document": "a", "summary": "b"}\n'
BAD_INPUT = {
    "unknown task": (other("--task", "poetry"), r"--task: invalid choice: 'poetry' \(choose from .*summarization"),
    "unknown course model": (other("--model", "course-gpt2-xxl"), "unknown course model 'course-gpt2-xxl': expected one of"),
    "missing model folder": (other("--model", "./nowhere"), "there is no model folder './nowhere'"),
    "hub model without network": (other("--model", "nobody/nothing"), "'nobody/nothing' is neither .*HF_HUB_OFFLINE"),
    "hub data without network": (other("--data", "hub"), "abisee/cnn_dailymail.*HF_HUB_OFFLINE"),
    "no data folder": (other("--data", ""), "data must be 'embedded', 'control', 'hub' or a folder, got ''"),
    "missing data folder": (other("--data", "nowhere"), "no data for 'summarization': expected a folder .*nowhere"),
    "not JSON": (spoil("test.jsonl", ROW + '{"docu'), r"test.jsonl, line 2: not JSON"),
    "empty file": (spoil("validation.jsonl", ""), r"validation.jsonl.* at least one record"),
    "row without fields": (spoil("train.jsonl", ROW + "\n{}"), r"train.jsonl, line 3: field 'document' is missing"),
    "missing field": (spoil("train.jsonl", '{"document": "a"}'), r"train.jsonl, line 1: field 'summary' is missing"),
    "blank field": (spoil("train.jsonl", ROW + '{"document": " ", "summary": "b"}'), "line 2: field 'document' must be a text"),
    "another task's data": (spoil("train.jsonl", '{"document": "a"}', "translation"), "line 1: field 'source' is missing"),
    "two files for a split": (spoil("test.csv", "document,summary\na,b\n"), "test.jsonl and test.csv both"),
    "no configuration": (spoil_model("config.json", None), "model_type"),
    "broken configuration": (spoil_model("config.json", b"{"), "not a valid JSON"),
    "broken weights": (spoil_model("model.safetensors", b"1234567890"), "SafetensorError"),
    "no prompt": (other("--prompt-length", 0), "prompt_length must be a whole number >= 1, got 0"),
    "no room": (other("--prompt-length", 120), "no room for its 'document'.*shorter prompt"),
    "no room for the hard prompt": (other("--hard-prompt", "word " * 120), "no room for its 'document'"),
    "no room for answers": (other("--max-new-tokens", 120), "no room for its 'document'"),
    "too few source tokens": (other("--max-source-tokens", 1), "no room for its 'document'"),
    "unknown start": (other("--prompt-init", "zero"), "--prompt-init: invalid choice: 'zero'"),
    "text without its start": (other("--init-text", "Hello"), "init_text needs prompt_init text"),
    "unknown system": (other("--system", "magic"), "--system: invalid choice: 'magic'"),
    "system without training": (other("--system", "baselines"), "'baselines' is not trained"),
    "no rank": (other("--system", "LoRA", "--rank", 0), "rank must be a whole number >= 1, got 0"),
    "no epochs": (other("--epochs", 0), "epochs must be a whole number >= 1, got 0"),
    "half an epoch": (other("--epochs", 1.5), "--epochs: invalid int value: '1.5'"),
    "negative batch": (other("--batch-size", -4), "batch_size must be a whole number >= 1, got -4"),
    "negative limit": (other("--max-train", -1), "max_train must be a whole number >= 1, got -1"),
    "nothing to test": (other("--max-eval", 0), "max_eval must be a whole number >= 1, got 0"),
    "no patience": (other("--patience", 0), "patience must be a whole number >= 1, got 0"),
    "no checkpoint steps": (other("--checkpoint-steps", 0), "checkpoint_steps must be a whole number >= 1, got 0"),
    "negative seed": (other("--seed", -1), "seed must be a whole number >= 0"),
    "endless seed": (other("--seed", 2**64), "seed must be a whole number >= 0"),
    "rate in words": (other("--learning-rate", "fast"), "--learning-rate: invalid float value: 'fast'"),
    "negative rate": (other("--learning-rate", -0.1), "learning_rate must be > 0 and finite, got -0.1"),
    "rate not a number": (other("--learning-rate", "nan"), "learning_rate must be > 0 and finite, got nan"),
    "unknown option": (other("--layers", 8), "unrecognized arguments: --layers 8"),
    "option cut short": (other("--max-t", 8), "unrecognized arguments: --max-t 8"),
    "test split twice": (other("--test-from", "validation"), "test.jsonl and --test-from both"),
}


@pytest.mark.parametrize("name", BAD_INPUT)
def test_bad_input_is_one_line_and_leaves_nothing(name, tiny, tmp_path, capsys):
    change, expected = BAD_INPUT[name]
    code, message = ends(capsys, train.main, *change([*tiny, "--output", tmp_path / "out"], tmp_path))
    assert code == 2 and re.search(expected, message), message
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_missing_options_are_named(capsys):
    code, message = ends(capsys, train.main, "--epochs", 3)
    assert code == 2 and "required: --task, --output" in message


# ---- runs that fail


def test_a_run_that_diverges_says_so_and_leaves_the_old_output(tiny, earlier, tmp_path, capsys):
    shutil.copytree(earlier, tmp_path / "out")
    before = contents(tmp_path)
    argv = [*tiny, "--learning-rate", 3e37, "--batch-size", 1, "--epochs", 3, "--checkpoint-steps", 1, "--overwrite"]
    code, message = ends(capsys, train.main, *argv, "--output", tmp_path / "out")
    assert code == 1 and re.search(r"error: .* is nan: .*lower the learning rate.*; nothing was written", message)
    assert "--resume" not in message and contents(tmp_path) == before


@pytest.mark.parametrize(("error", "status", "words"), [
    (KeyboardInterrupt(), 130, "interrupted"),
    (torch.OutOfMemoryError("CUDA out of memory"), 1, "out of memory"),
    (OSError(28, "No space left on device"), 1, "No space left"),
    (TrainingDiverged("test loss is nan"), 1, "test loss is nan"),
])
def test_a_run_that_breaks_off_says_so_and_leaves_the_old_output(
    tiny, earlier, tmp_path, capsys, monkeypatch, error, status, words
):
    shutil.copytree(earlier, tmp_path / "out")
    before = contents(tmp_path)

    def break_off(*args, **options):
        raise error

    for place in ("course_utils.experiment.fit", "course_utils.soft_prompt.write_prompt"):
        with monkeypatch.context() as patch:
            patch.setattr(place, break_off)
            code, message = ends(capsys, train.main, *tiny, "--output", tmp_path / "out", "--overwrite")
        assert code == status and words in message and f"nothing was written to {tmp_path / 'out'}" in message
        kept = {path: data for path, data in contents(tmp_path).items() if not path.startswith(".")}
        assert kept == before
        # Trained already: that work is not lost, and the message says how to go on.
        left = place.endswith("write_prompt") and not isinstance(error, TrainingDiverged)
        assert (tmp_path / ".out.unfinished").exists() == left == ("--resume goes on" in message)


# ---- going on


def interrupt_after(monkeypatch, steps):
    """Ctrl-C after so many optimizer steps."""
    taken = iter(range(steps))
    original = torch.optim.AdamW.step

    def step(self, *args, **options):
        if next(taken, None) is None:
            raise KeyboardInterrupt
        return original(self, *args, **options)

    monkeypatch.setattr(torch.optim.AdamW, "step", step)


def test_a_checkpoint_that_was_left_is_neither_lost_nor_taken_unasked(tiny, tmp_path, capsys, monkeypatch):
    argv = [*tiny, "--epochs", 3, "--batch-size", 2, "--output", tmp_path / "out"]
    with monkeypatch.context() as patch:
        interrupt_after(patch, 6)  # of 12, in the second epoch
        code, message = ends(capsys, train.main, *argv)
    assert code == 130 and "--resume goes on from the last checkpoint" in message
    before = contents(tmp_path)
    code, message = ends(capsys, train.main, *argv)
    assert code == 2 and "--resume" in message and "--overwrite" in message
    code, message = ends(capsys, train.main, *argv, "--learning-rate", 0.5, "--resume")
    assert code == 2 and "another configuration" in message
    assert contents(tmp_path) == before
    run(*argv, "--resume")
    said = capsys.readouterr().out
    assert "Epoch 1/3" not in said and "Epoch 2/3" in said and "Epoch 3/3" in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "out"]
    run(*argv[:-1], tmp_path / "whole")
    assert torch.equal(prompt_of(tmp_path / "whole"), prompt_of(tmp_path / "out"))
    assert study_of(tmp_path / "whole").read() == study_of(tmp_path / "out").read()


def test_a_checkpoint_can_be_dropped(tiny, tmp_path, capsys, monkeypatch):
    argv = [*tiny, "--epochs", 3, "--batch-size", 2, "--output", tmp_path / "out"]
    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        interrupt_after(patch, 6)
        run(*argv)
    before = contents(tmp_path)
    ends(capsys, train.main, *argv, "--overwrite", "--data", "nowhere")
    ends(capsys, train.main, *argv, "--overwrite", "--prompt-length", 120)
    assert contents(tmp_path) == before, "wrong input must not cost the checkpoint"
    run(*argv, "--overwrite")
    assert "Epoch 1/3" in capsys.readouterr().out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "out"]


@pytest.mark.parametrize("place", ["Material", "quiet_libraries"])
def test_an_interruption_while_loading_is_one_line(place, tiny, tmp_path, capsys, monkeypatch):
    def interrupt(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(train, place, interrupt)
    code, message = ends(capsys, train.main, *tiny, "--output", tmp_path / "out")
    assert code == 130 and "interrupted" in message and os.listdir(tmp_path) == ["data"]


def test_there_may_be_nothing_to_go_on_from(tiny, tmp_path, capsys):
    run(*tiny, "--resume", "--output", tmp_path / "out")
    assert re.fullmatch(r"note: there is no checkpoint of .*out: it starts anew\n", capsys.readouterr().err)
    assert list(contents(tmp_path / "out")) == PROMPT + FILES
