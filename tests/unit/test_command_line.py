"""`python -m course_utils.train` and `generate`, as a user meets them."""

import copy
import io
import json
import math
import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import asdict

import pytest
import torch
from conftest import make_llama

from course_utils import generate, train
from course_utils.base_models import load_base_model
from course_utils.data import load_task_data, token_ids
from course_utils.evaluation import evaluate, generate_texts, trivial_baselines
from course_utils.lessons.setup import repository_root
from course_utils.tasks import TASKS
from course_utils.training import TrainingConfig

XS = "course-gpt2-xs"
SMALL = ["--model", XS, "--prompt-length", "3", "--max-train", "16", "--max-eval", "4", "--epochs", "2", "--batch-size", "4"]
CONTENTS = ["prompt", "prompt/adapter_config.json", "prompt/adapter_model.safetensors", "results.json"]
PERCENTAGES = {"bleu", "exact_match", "f1", "exact_match_percentage"}


def run(*argv):
    train.main([str(word) for word in argv])


def results_of(folder):
    def refuse(constant):
        raise AssertionError(f"{constant} in results.json")

    return json.loads((folder / "results.json").read_text(encoding="utf-8"), parse_constant=refuse)


def contents(folder):
    """Path -> bytes of everything below a folder, hidden files too; None for a folder."""
    return {str(path.relative_to(folder)): path.is_file() and path.read_bytes() for path in sorted(folder.rglob("*"))}


def fails(capsys, command, *argv):
    """Run a command that must end in one line on standard error; return that line and the exit status."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as end:
        command([str(word) for word in argv])
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1 and said.err.endswith("\n") and "Traceback" not in said.err, said
    return said.err, end.value.code


@pytest.fixture(scope="module", params=TASKS)
def trained(request, tmp_path_factory):
    output = tmp_path_factory.mktemp("runs") / request.param
    run("--task", request.param, *SMALL, "--seed", "3", "--output", output)
    return TASKS[request.param], output, results_of(output)


@pytest.fixture(scope="module")
def summarizer(tmp_path_factory):
    """The output of a quick run, for tests that need one to be there."""
    output = tmp_path_factory.mktemp("runs") / "summarization"
    run("--task", "summarization", *SMALL, "--max-train", 4, "--max-eval", 1, "--epochs", 1, "--output", output)
    return output


@pytest.fixture
def model_folder(gpt2, tokenizer, tmp_path):
    """A tiny random GPT-2 with 128 positions: quick, and easily short of room."""
    folder = tmp_path / "model"
    copy.deepcopy(gpt2).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture
def data_folder(records, tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    for split in ("train", "validation", "test"):
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in records), encoding="utf-8")
    return folder


@pytest.fixture
def tiny(model_folder, data_folder):
    return ["--task", "summarization", "--model", model_folder, "--data", data_folder, "--prompt-length", 3, "--epochs", 1]


# ---- results.json


def check_scores(scores, task, loss):
    assert set(scores) == ({"loss"} if loss else set()) | set(task.metrics) and task.main_metric in scores
    for name, value in scores.items():
        assert type(value) is float and 0 <= value <= (100 if name in PERCENTAGES else 20 if name == "loss" else 1), name


def test_results_hold_every_key_and_nothing_else(trained):
    task, output, results = trained
    assert list(contents(output)) == CONTENTS
    assert set(results) == {
        "task", "base_model", "data", "prompt_length", "trainable_parameters", "seed", "config", "versions", "epochs",
        "test", "samples", "truncated", "seconds",
    }
    assert (results["task"], results["base_model"], results["data"]) == (task.name, XS, "embedded")
    assert (results["prompt_length"], results["trainable_parameters"], results["seed"]) == (3, 3 * 32, 3)
    config = asdict(TrainingConfig(epochs=2, batch_size=4, seed=3))
    assert results["config"] == config | {
        "prompt_init": "vocab", "max_train": 16, "max_eval": 4, "max_source_tokens": None, "init_text": None,
        "hard_prompt": task.hard_prompt, "records": {"train": 16, "validation": 4, "test": 4},
    }
    assert results["versions"]["torch"] == torch.__version__.split("+")[0] and "sacrebleu" in results["versions"]
    assert len(results["epochs"]) == 2
    for row in results["epochs"]:
        assert set(row) == {"train_loss", "validation_loss", "validation"}
        assert 0 < row["train_loss"] < 20 and 0 < row["validation_loss"] < 20
        check_scores(row["validation"], task, loss=False)
    assert set(results["test"]) == {"soft", "hard", "baselines"}
    check_scores(results["test"]["soft"], task, loss=True)
    check_scores(results["test"]["hard"], task, loss=True)
    for scores in results["test"]["baselines"].values():
        check_scores(scores, task, loss=False)
    assert results["truncated"] == 0
    assert set(results["seconds"]) == {"train", "evaluate"} and all(value > 0 for value in results["seconds"].values())


def test_the_saved_prompt_is_the_best_epochs_and_scores_what_the_results_say(trained):
    task, output, results = trained
    data = load_task_data(task, max_train=16, max_eval=4, seed=3)
    soft, tokenizer = generate.load_soft_prompt(output / "prompt", XS)

    def scores(model, split, hard_prompt=None):
        found = evaluate(model, tokenizer, task, data[split], hard_prompt)
        return {key: pytest.approx(found[key], rel=1e-4) for key in ("loss", *task.metrics)}, found["predictions"]

    best = min(results["epochs"], key=lambda row: row["validation_loss"])
    assert {"loss": best["validation_loss"], **best["validation"]} == scores(soft, "validation")[0]
    tested, answers = scores(soft, "test")
    hard, hard_answers = scores(soft.base_model, "test", task.hard_prompt)
    assert results["test"]["soft"] == tested and results["test"]["hard"] == hard
    baselines = trivial_baselines(task, data["test"], data["train"])
    assert set(results["test"]["baselines"]) == set(baselines)
    for name, row in baselines.items():
        assert results["test"]["baselines"][name] == {key: row[key] for key in task.metrics}
    assert results["samples"] == [
        {"source": task.source(record), "target": task.target(record), "soft": text, "hard": hard_text}
        for record, text, hard_text in zip(data["test"], answers, hard_answers, strict=True)
    ]


def test_ten_samples_even_of_more_records(tiny, data_folder, records, tmp_path):
    with (data_folder / "test.jsonl").open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in records)
    run(*tiny, "--output", tmp_path / "out")
    results = results_of(tmp_path / "out")
    assert len(results["samples"]) == 10 and results["config"]["records"]["test"] == 16


def test_same_seed_same_output(tiny, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        run(*tiny, "--max-train", 4, "--seed", seed, "--output", tmp_path / name)
    a, b, c = ({**results_of(tmp_path / name), "seconds": None} for name in "abc")
    weights = [contents(tmp_path / name)[CONTENTS[2]] for name in "abc"]
    assert a == b and weights[0] == weights[1]
    assert c["epochs"] != a["epochs"] and weights[2] != weights[0]


# ---- what a run prints


def test_lines_for_every_epoch_and_test_and_no_bars_without_a_terminal(tiny, tmp_path, capsys):
    run(*tiny, "--epochs", 2, "--output", tmp_path / "out")
    said = capsys.readouterr()
    number = r"\d+(\.\d+)?(e-\d+)?"
    metrics = rf"rouge1 {number}, rouge2 {number}, rougeL {number}, exact match {number}, exact match percentage {number}"
    for epoch in (1, 2):
        assert re.search(rf"^Epoch {epoch}/2: train loss {number}, validation loss {number}, {metrics}$", said.out, re.M)
    for system in ("soft prompt of epoch [12]", "hard prompt 'Summarize the following content:'"):
        assert re.search(rf"^Test, {system}: loss {number}, {metrics}$", said.out, re.M)
    assert re.search(rf"^Test, copy of the source: {metrics}$", said.out, re.M)
    assert said.err == ""


def test_bars_on_a_terminal(tiny, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    run(*tiny, "--output", tmp_path / "out")
    said = capsys.readouterr().err
    assert all(f"{bar}: 100%" in said for bar in ("Epoch 1/1", "Validation", "Generation"))


def test_help_names_every_option_and_its_default(capsys):
    with pytest.raises(SystemExit) as end:
        train.main(["--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert end.value.code == 0
    for words in ("--task {summarization,question_answering,translation}", "--max-source-tokens N", "(default: 0.03)",
                  "(default: embedded)", "--overwrite", "example", "results.json"):
        assert words in text, words


# ---- options


def test_as_reported_sets_defaults_and_explicit_options_count(tiny, tmp_path):
    tiny = [word for word in tiny if word not in ("--prompt-length", 3, "--epochs", 1)]
    run(*tiny, "--max-train", 3, "--max-eval", 1, "--as-reported", "--output", tmp_path / "reported")
    results = results_of(tmp_path / "reported")
    assert results["prompt_length"] == 1 and len(results["epochs"]) == 10
    config = {key: results["config"][key] for key in asdict(TrainingConfig())}
    assert config == asdict(TrainingConfig.as_reported())
    run(*tiny, "--max-train", 3, "--max-eval", 1, "--epochs", 2, "--as-reported", "--output", tmp_path / "changed")
    results = results_of(tmp_path / "changed")
    assert len(results["epochs"]) == 2 and results["config"]["batch_size"] == results["prompt_length"] == 1


def test_a_start_from_text(tiny, tmp_path, monkeypatch):
    starts = []

    def look(model, *args):
        starts.append(model.soft_embedding.weight.clone())
        raise KeyboardInterrupt

    monkeypatch.setattr(train, "fit", look)
    for text in (["--init-text", "Anna buys"], []):
        with pytest.raises(SystemExit):
            run(*tiny, "--prompt-init", "text", *text, "--output", tmp_path / "out")
    base, tokenizer = load_base_model(tiny[3])
    for start, text in zip(starts, ("Anna buys", "Summarize the following content:"), strict=True):
        assert torch.equal(start[0], base.get_input_embeddings().weight[token_ids(tokenizer, text)[0]])


def test_long_sources_are_cut_alike_for_both_prompts_and_counted(tiny, tmp_path, monkeypatch):
    read = []
    original = train.evaluate

    def spy(model, tokenizer, task, records, hard_prompt=None, *args, **options):
        monkeypatch.setattr("course_utils.evaluation.generate_texts", lambda model, tokenizer, sources, *args, **kwargs: (
            read.append((hard_prompt, sources)) or [""] * len(sources)))
        return original(model, tokenizer, task, records, hard_prompt, *args, **options)

    monkeypatch.setattr(train, "evaluate", spy)
    run(*tiny, "--max-source-tokens", 25, "--output", tmp_path / "out")
    assert results_of(tmp_path / "out")["truncated"] == 3 * 8
    _, soft, hard = read  # one epoch's validation, then the test
    tokenizer = load_base_model(tiny[3])[1]
    assert soft[0] is None and all(15 < len(token_ids(tokenizer, text)) <= 25 for text in soft[1])
    for text, prompted in zip(soft[1], hard[1], strict=True):
        rest = prompted.removeprefix(f"{hard[0]} ")
        assert rest != prompted and abs(len(rest) - len(text)) <= 8  # the space between may take a token


@pytest.mark.parametrize("with_begin_token", [True, False])
def test_a_llama_whose_tokenizer_has_no_pad_token(tokenizer, data_folder, tmp_path, capsys, with_begin_token):
    from tokenizers.processors import TemplateProcessing

    bare = copy.deepcopy(tokenizer)
    bare.pad_token = None
    if with_begin_token:
        bare.backend_tokenizer.post_processor = TemplateProcessing(
            single="<|endoftext|> $A", special_tokens=[("<|endoftext|>", 0)]
        )
    bare.save_pretrained(tmp_path / "llama")
    make_llama(tokenizer).save_pretrained(tmp_path / "llama")
    run("--task", "summarization", "--model", tmp_path / "llama", "--data", data_folder, "--prompt-length", 3, "--epochs", 3,
        "--learning-rate", 0.1, "--output", tmp_path / "out")
    losses = [row["validation_loss"] for row in results_of(tmp_path / "out")["epochs"]]
    assert losses[-1] < losses[0]
    capsys.readouterr()
    generate.main(["--prompt", str(tmp_path / "out" / "prompt"), "--model", str(tmp_path / "llama"), "--task", "summarization",
                   "Rain fell all day.", "Anna has bought a boat."])
    assert capsys.readouterr().out.count("\n") == 2


# ---- an output that is there already


def test_existing_output_is_refused_at_once_and_replaced_on_demand(tiny, summarizer, tmp_path, capsys, monkeypatch):
    output = tmp_path / "out"
    shutil.copytree(summarizer, output)
    before = contents(output)
    with monkeypatch.context() as patch:
        patch.setattr(train, "load_task_data", lambda *args: pytest.fail("it should not have come to that"))
        message, code = fails(capsys, train.main, *tiny, "--output", output)
    assert code == 2 and f"{output} exists" in message and "--overwrite" in message and contents(output) == before
    run(*tiny, "--prompt-length", 2, "--output", output, "--overwrite")
    assert list(contents(output)) == CONTENTS and results_of(output)["prompt_length"] == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "model", "out"]


# ---- bad input


def other(option, value):
    return lambda argv, tmp_path: [*argv, option, value]


def spoil(file, text, task="summarization"):
    def change(argv, tmp_path):
        (tmp_path / "data" / file).write_text(text, encoding="utf-8")
        return [*argv, "--task", task]

    return change


def spoil_model(file, data):
    def change(argv, tmp_path):
        if data is None:
            (tmp_path / "model" / file).unlink()
        else:
            (tmp_path / "model" / file).write_bytes(data)
        return argv

    return change


BAD_INPUT = {
    "unknown task": (other("--task", "poetry"), r"--task: invalid choice: 'poetry' \(choose from .*summarization"),
    "unknown course model": (other("--model", "course-gpt2-xxl"), "unknown course model 'course-gpt2-xxl': expected one of"),
    "missing model folder": (other("--model", "./nowhere"), "there is no model folder './nowhere'"),
    "hub model without network": (other("--model", "nobody/nothing"), "'nobody/nothing' is neither .*HF_HUB_OFFLINE"),
    "hub data without network": (other("--data", "hub"), "abisee/cnn_dailymail.*HF_HUB_OFFLINE"),
    "missing data folder": (other("--data", "nowhere"), "no data for 'summarization': expected the file nowhere.train.jsonl"),
    "not JSON": (spoil("test.jsonl", '{"document": "a", "summary": "b"}\n{"docu'), r"test.jsonl, line 2: the row is not JSON"),
    "empty file": (spoil("validation.jsonl", ""), r"validation.jsonl, line 1: the row is empty"),
    "blank row": (spoil("train.jsonl", '{"document": "a", "summary": "b"}\n\n{}'), r"train.jsonl, line 2: the row is empty"),
    "missing field": (spoil("train.jsonl", '{"document": "a"}'), r"train.jsonl, line 1: field 'summary' is missing"),
    "another task's data": (spoil("train.jsonl", '{"document": "a"}', "translation"), "line 1: field 'source' is missing"),
    "no configuration": (spoil_model("config.json", None), "model_type"),
    "broken configuration": (spoil_model("config.json", b"{"), "not a valid JSON"),
    "broken weights": (spoil_model("model.safetensors", b"1234567890"), "SafetensorError"),
    "no prompt": (other("--prompt-length", 0), "--prompt-length: expected a whole number >= 1, got '0'"),
    "no room": (other("--prompt-length", 120), "no room for its 'document'.*shorter prompt"),
    "far too long a prompt": (other("--prompt-length", 10**12), "no room for its 'document'"),
    "too few source tokens": (other("--max-source-tokens", 1), "no room for its 'document': the source may have 1 tokens"),
    "unknown start": (other("--prompt-init", "zero"), "--prompt-init: invalid choice: 'zero'"),
    "text without its start": (other("--init-text", "Hello"), "--init-text needs --prompt-init text"),
    "no epochs": (other("--epochs", 0), "--epochs: expected a whole number >= 1, got '0'"),
    "half an epoch": (other("--epochs", 1.5), "--epochs: expected a whole number >= 1, got '1.5'"),
    "negative batch": (other("--batch-size", -4), "--batch-size: expected a whole number >= 1, got '-4'"),
    "negative limit": (other("--max-train", -1), "--max-train: expected a whole number >= 1, got '-1'"),
    "nothing to test": (other("--max-eval", 0), "--max-eval: expected a whole number >= 1, got '0'"),
    "negative seed": (other("--seed", -1), "--seed: expected a whole number >= 0, got '-1'"),
    "endless seed": (other("--seed", 2**64), "(?i)overflow|seed"),
    "rate in words": (other("--learning-rate", "fast"), "--learning-rate: invalid float value: 'fast'"),
    "negative rate": (other("--learning-rate", -0.1), "learning_rate must be > 0 and finite, got -0.1"),
    "rate not a number": (other("--learning-rate", "nan"), "learning_rate must be > 0 and finite, got nan"),
    "unknown option": (other("--rank", 8), "unrecognized arguments: --rank 8"),
    "option cut short": (other("--max-t", 8), "unrecognized arguments: --max-t 8"),
}


@pytest.mark.parametrize("name", BAD_INPUT)
def test_bad_input_is_one_line_and_leaves_nothing(name, tiny, tmp_path, capsys):
    change, expected = BAD_INPUT[name]
    argv = change([*tiny, "--output", tmp_path / "out"], tmp_path)
    message, code = fails(capsys, train.main, *argv)
    assert code == 2 and re.search(expected, message) and len(message) < 1000, message
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "model"]


def test_missing_options_are_named(capsys):
    message, code = fails(capsys, train.main, "--epochs", 3)
    assert code == 2 and "required: --task, --output" in message


# ---- runs that fail


def test_divergence_is_an_error_and_leaves_nothing(tiny, tmp_path, capsys):
    with pytest.raises(SystemExit) as end:
        run(*tiny, "--learning-rate", 1e36, "--batch-size", 1, "--output", tmp_path / "out")
    assert end.value.code == 1
    assert re.search(r"error: .* is nan: .*lower the learning rate.*; nothing was written", capsys.readouterr().err)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "model"]


def test_a_test_loss_that_is_not_a_number_is_not_written(tiny, tmp_path, capsys, monkeypatch):
    original = train.evaluate
    monkeypatch.setattr(train, "evaluate", lambda *args, **options: original(*args, **options) | {"loss": math.nan})
    with pytest.raises(SystemExit) as end:
        run(*tiny, "--output", tmp_path / "out")
    assert end.value.code == 1 and "loss is nan" in capsys.readouterr().err and not (tmp_path / "out").exists()


@pytest.mark.parametrize(("error", "status", "words"), [
    (KeyboardInterrupt(), 130, "interrupted"),
    (torch.OutOfMemoryError("CUDA out of memory"), 1, "out of memory"),
    (OSError(28, "No space left on device"), 1, "No space left"),
])
def test_a_run_that_breaks_off_says_so_and_leaves_the_old_output(
    tiny, summarizer, tmp_path, capsys, monkeypatch, error, status, words
):
    shutil.copytree(summarizer, tmp_path / "out")
    before = contents(tmp_path)
    capsys.readouterr()

    def break_off(*args):
        raise error

    for place in ("course_utils.train.fit", "course_utils.soft_prompt.write_prompt"):
        with monkeypatch.context() as patch, pytest.raises(SystemExit) as end:
            patch.setattr(place, break_off)
            run(*tiny, "--output", tmp_path / "out", "--overwrite")
        message = capsys.readouterr().err
        assert end.value.code == status and words in message and message.endswith(f"nothing was written to {tmp_path / 'out'}\n")
        assert contents(tmp_path) == before


# ---- generate


@pytest.fixture(scope="module")
def documents():
    return [row["document"] for row in load_task_data("summarization")["test"].select(range(5))]


@pytest.fixture(scope="module")
def answers(summarizer, documents):
    """What `generate_texts` says in process."""
    soft, tokenizer = generate.load_soft_prompt(summarizer / "prompt", XS)
    found = generate_texts(soft, tokenizer, [f"{text}\nSummary:" for text in documents], 48)
    assert len(set(found)) > 1, "a wrong order would not show"
    return found


def said_by_generate(capsys, monkeypatch, prompt, *argv, stdin=None):
    monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
    capsys.readouterr()
    generate.main(["--prompt", str(prompt / "prompt"), "--model", XS, *argv])
    said = capsys.readouterr()
    assert said.err == ""
    return said.out


def test_texts_are_read_from_arguments_and_standard_input(capsys, monkeypatch, summarizer, documents, answers):
    def said(*argv, stdin=None):
        return said_by_generate(capsys, monkeypatch, summarizer, *argv, stdin=stdin)

    lines = "".join(f"{text}\n" for text in answers)
    finished = [f"{text}\nSummary:" for text in documents]
    short = ["--max-new-tokens", "48"]
    assert said("--task", "summarization", *documents) == lines
    assert said("--task", "summarization", stdin="\n".join(documents) + "\n") == lines
    assert said("--task", "summarization", stdin="\n".join(json.dumps({"document": text}) for text in documents)) == lines
    assert said(*short, *finished) == lines
    assert said(*short, stdin=finished[0] + "\n") == answers[0] + "\n"


def test_a_task_with_two_fields_takes_json_objects(capsys, monkeypatch, tmp_path):
    run("--task", "question_answering", *SMALL, "--epochs", 1, "--max-eval", 1, "--output", tmp_path / "out")
    record = load_task_data("question_answering")["test"][0]
    soft, tokenizer = generate.load_soft_prompt(tmp_path / "out" / "prompt", XS)
    expected, = generate_texts(soft, tokenizer, [TASKS["question_answering"].source(record)], 24)
    said = said_by_generate(capsys, monkeypatch, tmp_path / "out", "--task", "question_answering", stdin=json.dumps(record))
    assert said == expected + "\n"


def test_a_text_without_room_is_cut_for_a_task_and_refused_without(capsys, summarizer, documents):
    argv = ["--prompt", str(summarizer / "prompt"), "--model", XS, " ".join(documents * 3)]
    generate.main([*argv, "--task", "summarization"])
    said = capsys.readouterr()
    assert said.out.count("\n") == 1 and said.err == "note: 1 of 1 texts were cut to fit into the base model\n"
    message, code = fails(capsys, generate.main, *argv)
    assert code == 2 and "exceed the base model's 512 positions" in message


@pytest.mark.parametrize(("argv", "stdin", "expected"), [
    ([], "", "got no text"),
    ([], " \n", "got no text"),
    (["--task", "summarization"], "one\n\ntwo\n", "text '': field 'document' must be a text that is not blank"),
    (["--task", "question_answering", "Who?"], None, "field 'question' is missing.*give a JSON object .*\"question\": ..."),
    (["--task", "translation", '{"text": "A"}'], None, "field 'source' is missing"),
    (["--task", "poetry", "A"], None, "invalid choice: 'poetry'"),
    (["--max-new-tokens", "0", "A"], None, "expected a whole number >= 1"),
    (["--max-new-tokens", "9999", "A"], None, "exceed the base model's 512 positions"),
    (["--model", "course-gpt2-xxl", "A"], None, "unknown course model"),
    (["--model", "course-gpt2-s", "A"], None, "embeddings have width 80: load it into the base model it was trained for"),
    (["--prompt", "nowhere", "A"], None, "no soft prompt at nowhere"),
    (["--rank", "8"], None, "unrecognized arguments"),
])
def test_bad_input_of_generate(argv, stdin, expected, capsys, monkeypatch, summarizer):
    monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
    message, code = fails(capsys, generate.main, "--prompt", summarizer / "prompt", "--model", XS, *argv)
    assert code == 2 and re.search(expected, message) and len(message) < 1000, message


@pytest.mark.parametrize("file", ["adapter_config.json", "adapter_model.safetensors"])
def test_a_damaged_prompt(file, capsys, summarizer, tmp_path):
    prompt = tmp_path / "prompt"
    prompt.mkdir()
    for name, data in contents(summarizer / "prompt").items():
        (prompt / name).write_bytes(data[:20] if name == file else data)
    message, code = fails(capsys, generate.main, "--prompt", prompt, "--model", XS, "A")
    assert code == 2 and file in message


# ---- as processes of their own


def process(*argv, **options):
    command = [sys.executable, "-m", *(str(word) for word in argv)]
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "cwd": repository_root(), "env": environment}
    return subprocess.Popen(command, **pipes | options)


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is a thing of Unix")
def test_a_killed_run_leaves_the_old_output_and_does_not_block_the_next(summarizer, tmp_path):
    output = tmp_path / "out"
    argv = ["--task", "summarization", *SMALL, "--max-train", 4, "--max-eval", 1, "--output", output]
    shutil.copytree(summarizer, output)
    before = contents(tmp_path)
    with process("course_utils.train", *argv, "--epochs", 10_000, "--overwrite") as child:
        while not (line := child.stdout.readline()).startswith("Epoch 2/10000"):
            assert line, child.stderr.read()
        child.send_signal(signal.SIGKILL)
    assert child.returncode == -signal.SIGKILL and contents(tmp_path) == before
    run(*argv, "--prompt-length", 2, "--overwrite")
    assert results_of(output)["prompt_length"] == 2 and list(contents(tmp_path)) == ["out", *(f"out/{name}" for name in CONTENTS)]


def test_generate_from_a_shell(summarizer, documents, answers):
    argv = ["--prompt", summarizer / "prompt", "--model", XS, "--task", "summarization"]
    with process("course_utils.generate", *argv, stdin=subprocess.PIPE) as child:
        out, err = child.communicate("\n".join(documents))
    assert (child.returncode, out, err) == (0, "".join(f"{text}\n" for text in answers), "")
