"""A tiny model and records on disk, and the two commands run on them: in this process, or in others that can be killed."""

import contextlib
import io
import json
import multiprocessing
import os
import subprocess
import sys

import pytest
from safetensors import safe_open

from course_utils.lessons.setup import repository_root

NAMES = ["Anna", "Bruno", "Clara", "David", "Emma", "Felix", "Greta", "Heinz"]
THINGS = ["boat", "house", "garden", "piano", "bridge", "clock", "lamp", "cart"]
RECORDS = {
    "summarization": [
        {"document": f"Rain fell all day. {name} has bought a {thing} for {i + 3} coins.", "summary": f"{name} buys a {thing}."}
        for i, (name, thing) in enumerate(zip(NAMES, THINGS, strict=True))],
    "question_answering": [
        {"context": f"{name} has bought a {thing}.", "question": f"Who has a {thing}?", "answers": [name, f"It was {name}"]}
        for name, thing in zip(NAMES, THINGS, strict=True)],
    "translation": [
        {"source": f"{name} bought a {thing} on Monday.", "target": f"Am Montag hat {name} für {i + 3} Taler etwas gekauft."}
        for i, (name, thing) in enumerate(zip(NAMES, THINGS, strict=True))],
}
FILES = ["results.jsonl", "results.predictions.jsonl.gz", "results.runs.jsonl"]
PROMPT = ["prompt", "prompt/adapter_config.json", "prompt/adapter_model.safetensors"]


def write_model(folder, model, tokenizer):
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def write_jsonl(path, rows):
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def write_data(folder, task="summarization", count=8):
    for split in ("train", "validation", "test"):
        write_jsonl(folder / f"{split}.jsonl", RECORDS[task][:count])
    return folder


def contents(folder):
    """Path -> bytes of everything below a folder, hidden files too; False for a folder."""
    return {str(path.relative_to(folder)): path.is_file() and path.read_bytes() for path in sorted(folder.rglob("*"))}


def prompt_of(folder):
    with safe_open(folder / "prompt" / "adapter_model.safetensors", "pt") as file:
        return file.get_tensor("prompt_embeddings")


def ends(capsys, command, *argv):
    """Run a command that must end in an error; return its exit status, and the line of standard error, which must be one."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as end:
        command([str(word) for word in argv])
    said = capsys.readouterr()
    assert said.err.count("\n") == 1 and said.err.endswith("\n") and len(said.err) < 1000, said.err
    return end.value.code, said.err


def standard_input(monkeypatch, data):
    """Let ``data``, text or bytes, stand on standard input."""
    data = data.encode() if isinstance(data, str) else data
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), encoding="utf-8"))


# ---- other processes


def shell(*argv, data=None, **variables):
    """Run ``python -m ...`` as a shell would."""
    command = [sys.executable, "-m", *(str(word) for word in argv)]
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"} | variables
    return subprocess.run(command, cwd=repository_root(), env=environment, input=data, capture_output=True, check=False)


def train_alone(argv, out, err, variables):
    import torch

    os.environ.update(variables)
    for stream, path in ((1, out), (2, err)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
    # Under pytest the parent's streams may be something else than the descriptors.
    sys.stdout, sys.stderr = (os.fdopen(stream, "w", encoding="utf-8", closefd=False) for stream in (1, 2))
    torch.set_num_threads(1)
    from course_utils import train

    code = 0
    try:
        train.main(argv)
    except SystemExit as end:
        code = end.code
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(ValueError):
                stream.flush()
    sys.exit(code)


def start_training(folder, *argv, name="run", **variables):
    """A process that runs `train`, forked from one in which the libraries are loaded: such starts cost next to nothing. What it
    says goes to ``folder``/NAME.out and NAME.err."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["course_utils.train", "course_utils.metrics"])
    files = [str(folder / f"{name}.{end}") for end in ("out", "err")]
    child = context.Process(target=train_alone, args=([str(word) for word in argv], *files, variables), daemon=True)
    child.start()
    return child
