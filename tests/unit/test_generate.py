"""`python -m course_utils.generate`: what it reads, which prompt and base model it takes, and how it says what is wrong."""

import json
import os
import re
import subprocess
import sys

import pytest
from conftest import make_gpt2
from tiny_runs import contents, ends, shell, standard_input, write_data, write_model

from course_utils import generate, train
from course_utils.base_models import load_base_model
from course_utils.evaluation import generate_texts
from course_utils.lessons.setup import repository_root
from course_utils.prompt_files import read_prompt
from course_utils.soft_prompt import GPT2WithSoftPrompt
from course_utils.tasks import TASKS

XS = "course-gpt2-xs"
SHIPPED = repository_root() / "data" / "prompts"
ANNA = "Anna bought a boat on Monday."
SENTENCES = [ANNA, "Clara sold the old clock.", "Rain fell all day in the town."]


@pytest.fixture(scope="module")
def folder(tokenizer, tmp_path_factory):
    """A tiny model, and a prompt for each task, of different lengths and with answers of different lengths."""
    folder = tmp_path_factory.mktemp("generate")
    base, _ = load_base_model(write_model(folder / "model", make_gpt2(tokenizer), tokenizer))
    for i, task in enumerate(TASKS.values()):
        soft = GPT2WithSoftPrompt(base, [task.soft_token], 2 + i, "random", seed=i)
        soft.save_prompt(folder / task.name / "prompt", about={"task": task.name, "max_new_tokens": str(5 + 3 * i)})
    soft.save_prompt(folder / "unknown")
    return folder


@pytest.fixture
def say(folder, capsys, monkeypatch):
    """A function that runs the command and returns what it prints: arguments, and what stands on standard input."""
    def say(*argv, data=None):
        if data is not None:
            standard_input(monkeypatch, data)
        capsys.readouterr()
        generate.main(["--model", str(folder / "model"), *map(str, argv)])
        said = capsys.readouterr()
        assert said.err == ""
        return said.out

    return say


def fails(capsys, *argv):
    code, message = ends(capsys, generate.main, *argv)
    assert code == 2
    return message


def expected(folder, task, texts, max_new_tokens):
    """What `generate_texts` answers."""
    base, tokenizer = load_base_model(folder / "model", dtype="auto")
    saved = read_prompt(folder / task)
    soft = GPT2WithSoftPrompt(base, ["[PROMPT]"], len(saved.rows))
    soft.load_prompt(folder / task)
    return "".join(f"{answer}\n" for answer in generate_texts(soft, tokenizer, texts, max_new_tokens))


# ---- texts


def test_arguments_and_standard_input_give_the_same_answers(folder, say):
    lines = expected(folder, "translation", [f"{text}\nGerman:" for text in SENTENCES], 11)
    assert len(set(lines.split("\n"))) == 4, "a wrong order would not show"
    prompt = ["--prompt", folder / "translation"]
    assert say(*prompt, *SENTENCES) == lines
    assert say(*prompt, data="\n".join(SENTENCES)) == lines
    assert say(*prompt, data="\n".join(json.dumps({"source": text}) for text in SENTENCES) + "\n") == lines
    assert say(*prompt, "--batch-size", 2, *SENTENCES) == lines
    assert say(*prompt, data="\n" + "\n \n".join(SENTENCES) + "\n\n") == "\n" + "\n\n".join(lines.split("\n")[:-1]) + "\n\n"
    # Without the task the text must have its form, and standard input is one text.
    argv = ["--prompt", folder / "unknown", "--max-new-tokens", 11]
    assert say(*argv, *(f"{text}\nGerman:" for text in SENTENCES)) == lines
    for end in ("\n", "\r\n"):
        assert say(*argv, data=f"{ANNA}{end}German:{end}") == lines.split("\n")[0] + "\n"


@pytest.mark.parametrize("task", TASKS)
def test_line_ends_of_windows_change_nothing(task, folder, say):
    record = {"document": ANNA, "context": ANNA, "question": "Who?", "source": ANNA}
    text = ANNA if len(TASKS[task].source_fields) == 1 else json.dumps(record)
    found = [say("--prompt", folder / task, data=f"{text}{end}") for end in ("", "\n", "\r\n")]
    assert found[0].strip() and found[0] == found[1] == found[2]


@pytest.mark.parametrize("text", [ANNA, json.dumps({"source": ANNA})])
def test_a_byte_order_mark_is_no_part_of_the_text(text, folder, say):
    prompt = ["--prompt", folder / "translation"]
    data = f"{text}\n{text}\n".encode()
    assert say(*prompt, data=b"\xef\xbb\xbf" + data) == say(*prompt, data=data)


def test_an_argument_with_a_line_break_is_one_text(folder, say):
    text = "Rain fell all day.\nAnna has bought a boat."
    found = say("--prompt", folder / "summarization", text, ANNA)
    assert found == expected(folder, "summarization", [f"{text}\nSummary:", f"{ANNA}\nSummary:"], 5)
    # A line of standard input says it with an escape.
    assert say("--prompt", folder / "summarization", data=json.dumps({"document": text})) == found.split("\n")[0] + "\n"


def test_lines_for_several_tasks_get_the_answers_of_their_own_prompts(folder, say):
    lines = {
        "translation": [{"source": text} for text in SENTENCES],
        "summarization": [{"document": f"{text} {ANNA}"} for text in SENTENCES],
        "question_answering": [{"context": text, "question": "Who?"} for text in SENTENCES],
    }
    alone = {task: say("--prompt", folder / task, data="\n".join(map(json.dumps, rows))).split("\n")[:-1]
             for task, rows in lines.items()}
    mixed = [json.dumps({"task": task, **lines[task][i]}) for i in range(3) for task in lines]
    wanted = "".join(f"{alone[task][i]}\n" for i in range(3) for task in lines)
    for prompts in ([f"{task}={folder / task}" for task in lines], [folder / task for task in reversed(lines)]):
        argv = [word for prompt in prompts for word in ("--prompt", prompt)]
        for size in (2, 32):
            assert say(*argv, "--batch-size", size, data="\n".join(mixed)) == wanted
    assert say(*argv, *mixed) == wanted


def test_texts_that_have_no_room_are_cut_and_counted(folder, capsys):
    argv = ["--model", str(folder / "model"), "--prompt", str(folder / "translation"), ANNA, " ".join(SENTENCES * 9)]
    generate.main(argv)
    said = capsys.readouterr()
    assert said.out.count("\n") == 2 and said.err == "note: 1 of 2 texts were cut to fit into the base model\n"
    message = fails(capsys, *argv[:2], "--prompt", folder / "unknown", argv[-1])
    assert "exceed the base model's 128 positions" in message


# ---- prompts and base models


def test_the_folder_of_a_run_remembers_base_model_task_and_length(tmp_path, capsys):
    data = write_data(tmp_path / "data", "translation", 4)
    run = ["--task", "translation", "--model", XS, "--data", data, "--prompt-length", 3, "--epochs", 1, "--max-new-tokens", 6]
    train.main([str(word) for word in (*run, "--output", tmp_path / "out")])
    capsys.readouterr()
    generate.main(["--prompt", str(tmp_path / "out"), ANNA])
    short = capsys.readouterr().out
    base, tokenizer = load_base_model(XS)
    soft = GPT2WithSoftPrompt(base, prompt_length=3)
    soft.load_prompt(tmp_path / "out" / "prompt")
    for limit, more in ((6, []), (12, ["--max-new-tokens", "12"])):
        answer, = generate_texts(soft, tokenizer, [f"{ANNA}\nGerman:"], limit)
        generate.main(["--prompt", str(tmp_path / "out" / "prompt"), ANNA, *more])
        assert capsys.readouterr().out == f"{answer}\n"
    assert len(short) < len(answer)


def test_a_prompt_for_another_base_model_is_noted_or_refused(folder, tokenizer, tmp_path, capsys):
    other = write_model(tmp_path / "other", make_gpt2(tokenizer), tokenizer)
    generate.main(["--model", str(other), "--prompt", str(folder / "translation"), ANNA])
    said = capsys.readouterr()
    assert said.out.count("\n") == 1 and re.match(r"note: the prompt in .* was trained for model, not for .*other", said.err)
    wide = write_model(tmp_path / "wide", make_gpt2(tokenizer, width=48), tokenizer)
    assert "width" in fails(capsys, "--model", wide, "--prompt", folder / "translation", ANNA)


# ---- what is wrong


@pytest.mark.parametrize(("argv", "data", "message"), [
    ([], "", "got no text"),
    ([], " \n", "got no text"),
    ([""], None, "field 'source' must be a text that is not blank"),
    ([], '{"source": "Anna bought a boat on Monday."},', "line 1: begins like JSON and is none"),
    ([], 'Rain.\n\n{"source": "Anna bought a boat on Monday."},\n', "line 3: begins like JSON and is none"),
    ([], b"Rain.\nM\xfcnchen\n", "line 2: not UTF-8"),
    (['{"text": "A"}'], None, "field 'source' is missing"),
    (['{"task": "summarization", "document": "A"}'], None, "text 1: there is no prompt for summ.*; add --prompt summ.*=DIR"),
    ([], 'Rain.\n\n{"task": "summarization", "document": "A"}', "line 3: there is no prompt for summarization"),
    (["--max-new-tokens", "120"], "\nRain.", "line 2: no room"),
    (['{"task": "poetry", "document": "A"}'], None, "unknown task 'poetry'"),
    (["--task", "poetry", "A"], None, "invalid choice: 'poetry'"),
    (["--max-new-tokens", "0", "A"], None, "--max-new-tokens must be >= 1, got 0"),
    (["--batch-size", "0", "A"], None, "--batch-size must be >= 1, got 0"),
    (["--max-new-tokens", "9999", "A"], None, "no room"),
    (["--model", "course-gpt2-xxl", "A"], None, "unknown course model"),
    (["--prompt", "nowhere", "A"], None, "no soft prompt at nowhere"),
    (["--rank", "8"], None, "unrecognized arguments"),
])
def test_bad_input_is_one_line_and_no_answer(argv, data, message, folder, capsys, monkeypatch):
    if data is not None:
        standard_input(monkeypatch, data)
    said = fails(capsys, "--model", folder / "model", "--prompt", folder / "translation", *argv)
    assert re.search(message, said), said


def test_without_a_task_nothing_to_answer_prints_nothing(folder, capsys, monkeypatch):
    standard_input(monkeypatch, "\n")
    with pytest.raises(SystemExit):
        generate.main(["--model", str(folder / "model"), "--prompt", str(folder / "unknown")])
    assert capsys.readouterr().out == ""


def test_each_of_several_prompts_needs_a_task_of_its_own(folder, capsys):
    argv = ["--model", folder / "model", "--prompt", folder / "translation"]
    assert "expected a JSON object with its fields" in fails(capsys, *argv[:3], folder / "question_answering", "Who?")
    assert "unknown" in fails(capsys, *argv, "--prompt", folder / "unknown", ANNA)
    assert "translation, translation" in fails(capsys, *argv, "--prompt", folder / "translation", ANNA)
    assert "TASK=DIR" in fails(capsys, *argv, "--prompt", folder / "summarization", "--task", "translation", ANNA)
    two = [*argv, "--prompt", folder / "summarization"]
    assert 'a field "task"' in fails(capsys, *two, ANNA)
    question = json.dumps({"task": "question_answering", "context": "A", "question": "Who?"})
    line = json.dumps({"task": "translation", "source": ANNA})
    assert "text 2: there is no prompt for question_answering" in fails(capsys, *two, line, question)


def test_a_prompt_of_another_task_is_noted(folder, capsys):
    for argv in (["--prompt", folder / "translation", "--task", "summarization"],
                 ["--prompt", f"summarization={folder / 'translation'}"]):
        generate.main(["--model", str(folder / "model"), *map(str, argv), ANNA])
        assert re.search("^note: .* trained for translation, not for summarization$", capsys.readouterr().err, re.M)


def test_other_systems_are_named(folder, tmp_path, capsys):
    assert "model holds a whole model: generate runs soft prompts only" in fails(capsys, "--prompt", folder / "model", ANNA)
    (tmp_path / "adapter").mkdir()
    (tmp_path / "adapter" / "adapter_config.json").write_text('{"peft_type": "LORA"}')
    assert "adapter holds an adapter of the kind LORA" in fails(capsys, "--prompt", tmp_path, ANNA)


def test_standard_input_that_is_closed(folder, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", None)
    assert "standard input is closed" in fails(capsys, "--prompt", folder / "translation")


def test_an_interruption_is_one_line(folder, capsys, monkeypatch):
    def interrupt(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(generate, "load_base_model", interrupt)
    assert ends(capsys, generate.main, "--prompt", folder / "translation", ANNA) == (130, "interrupted\n")


@pytest.mark.parametrize("file", ["adapter_config.json", "adapter_model.safetensors"])
def test_a_damaged_prompt(file, folder, capsys, tmp_path):
    for name, data in contents(folder / "translation" / "prompt").items():
        (tmp_path / name).write_bytes(data[:20] if name == file else data)
    assert file in fails(capsys, "--model", folder / "model", "--prompt", tmp_path, "A")


# ---- from a shell


def test_german_answers_go_through_a_pipe_where_the_locale_is_c(capsys):
    texts = ["Anna painted the green doors.", "Peter Müller opened the window."]
    generate.main(["--prompt", str(SHIPPED / "translation"), "--task", "translation", *texts])
    answers = capsys.readouterr().out
    assert not answers.isascii(), "nothing is tested"
    argv = ["--prompt", SHIPPED / "translation", "--task", "translation"]
    said = shell("course_utils.generate", *argv, data="\n".join(texts).encode(), LC_ALL="C", PYTHONUTF8="0", PYTHONIOENCODING="")
    assert (said.returncode, said.stdout.decode(), said.stderr) == (0, answers, b"")


def test_who_reads_the_answers_may_have_enough(folder):
    reading, writing = os.pipe()
    os.close(reading)
    argv = ["--model", folder / "model", "--prompt", folder / "translation", ANNA]
    command = [sys.executable, "-m", "course_utils.generate", *argv]
    said = subprocess.run(command, cwd=repository_root(), stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (said.returncode, said.stderr) == (141, b"")
