"""Training in processes of its own: killed at any step and resumed, or several that share the work."""

import json
import random
import re
import socket
import time

import pytest
import torch
from conftest import make_gpt2
from safetensors import safe_open
from tiny_runs import RECORDS, contents, prompt_of, shell, start_training, write_data, write_jsonl, write_model

from course_utils import processes, train
from course_utils.output_folder import checkpoint_of
from course_utils.results import Study

EXACT = ["--dtype", "float32", "--base-dtype", "float32"]


@pytest.fixture(scope="module")
def folder(tokenizer, tmp_path_factory):
    folder = tmp_path_factory.mktemp("processes")
    write_model(folder / "model", make_gpt2(tokenizer), tokenizer)
    write_data(folder / "data")
    return folder


@pytest.fixture
def tiny(folder):
    return ["--task", "summarization", "--model", folder / "model", "--data", folder / "data", "--prompt-length", 3]


def rows_of(output):
    return Study("results", output).read()


def run(*argv):
    train.main([str(word) for word in argv])


# ---- killed


def progress(checkpoint):
    """Epoch and step of a checkpoint; (0, 0) without one. It is replaced in one step, so it can always be read, if in one read:
    safetensors opens a path twice, and finds another file the second time."""
    try:
        data = checkpoint.read_bytes()
    except FileNotFoundError:
        return 0, 0
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    about = json.loads(header.pop("__metadata__")["run"])
    assert len(data) == 8 + size + max(tensor["data_offsets"][1] for tensor in header.values()), "half a checkpoint"
    return about["epoch"], about["step"]


@pytest.mark.parametrize(("system", "times"), [("soft prompt", 5), ("full fine-tuning", 2)])  # with dropout, which draws numbers
def test_a_run_that_was_killed_at_several_steps_ends_as_if_nothing_had_happened(system, times, tiny, tmp_path):
    argv = [*tiny, "--system", system, "--epochs", 8, "--batch-size", 1, "--learning-rate", 0.01, "--checkpoint-steps", 1]
    whole = start_training(tmp_path, *argv, "--output", tmp_path / "whole", name="whole")
    whole.join(60)
    assert whole.exitcode == 0, (tmp_path / "whole.err").read_text()
    argv += ["--output", tmp_path / "out", "--resume"]
    draw, seen, kills = random.Random(), (1, 0), []
    while len(kills) < times:
        epoch, step = seen
        step += draw.randint(1, 6)  # of 8 in an epoch
        wait_for = (epoch + step // 8, step % 8)
        child = start_training(tmp_path, *argv)
        while progress(checkpoint_of(tmp_path / "out")) < wait_for:
            assert child.is_alive(), (wait_for, kills, (tmp_path / "run.err").read_text())
            time.sleep(0.001)
        child.kill()
        child.join()
        assert child.exitcode == -9 and not (tmp_path / "out").exists()
        kills.append(seen := progress(checkpoint_of(tmp_path / "out")))
    assert kills == sorted(set(kills)) and kills[-1] < (8, 8), kills
    last = start_training(tmp_path, *argv, name="last")
    last.join(60)
    assert last.exitcode == 0, (tmp_path / "last.err").read_text()
    assert rows_of(tmp_path / "out") == rows_of(tmp_path / "whole"), kills
    weights = [bytes_of_weights(tmp_path / name) for name in ("out", "whole")]
    assert weights[0] == weights[1], kills
    assert not list(tmp_path.glob(".*"))


def bytes_of_weights(output):
    path, = output.glob("*/*.safetensors")
    with safe_open(path, "np") as file:
        return {name: file.get_tensor(name).tobytes() for name in file.keys()}  # noqa: SIM118


def test_a_killed_run_leaves_the_old_output(tiny, tmp_path):
    run(*tiny, "--epochs", 1, "--output", tmp_path / "out")
    before = contents(tmp_path / "out")
    child = start_training(tmp_path, *tiny, "--epochs", 10_000, "--overwrite", "--output", tmp_path / "out")
    while progress(checkpoint_of(tmp_path / "out")) < (3, 0):
        assert child.is_alive(), (tmp_path / "run.err").read_text()
        time.sleep(0.001)
    child.kill()
    child.join()
    assert contents(tmp_path / "out") == before
    run(*tiny, "--epochs", 1, "--prompt-length", 2, "--overwrite", "--output", tmp_path / "out")
    assert len(prompt_of(tmp_path / "out")) == 2 and not list(tmp_path.glob(".*"))


# ---- what lands on standard output


@pytest.mark.parametrize("system", ["prompt tuning, PEFT", "full fine-tuning"])
def test_warnings_of_libraries_are_not_on_standard_output(system, tiny, tmp_path):
    argv = [*tiny, "--system", system, "--epochs", 2, "--output", tmp_path / "out"]
    child = start_training(tmp_path, *argv, PYTHONWARNINGS="always")
    child.join(60)
    assert child.exitcode == 0
    lines = (tmp_path / "run.out").read_text().splitlines()
    assert all(re.match("summarization with|start:|Epoch |Test, |Written to", line) for line in lines), lines
    assert "FutureWarning" not in (tmp_path / "run.err").read_text()


# ---- several


def check_alike(one, several):
    for row, other in zip(rows_of(one), rows_of(several), strict=True):
        assert {**row, "value": None} == {**other, "value": None}
        assert other["value"] == pytest.approx(row["value"], abs=1e-5 if row["metric"] == "loss" else 1e-9), row
    first, second = (Study("results", folder).read("predictions") for folder in (one, several))
    assert first == second


def test_two_processes_under_torchrun_do_what_one_does(tiny, tmp_path, capsys):
    """Batches of 4, of 4 and of 1: in the last one of the two has nothing to do."""
    write_data(tmp_path / "data")
    write_jsonl(tmp_path / "data" / "train.jsonl", RECORDS["summarization"] + RECORDS["summarization"][:1])
    argv = [*tiny, "--data", tmp_path / "data", *EXACT, "--epochs", 3, "--batch-size", 4, "--learning-rate", 0.1]
    run(*argv, "--output", tmp_path / "one")
    lines = capsys.readouterr().out.replace(str(tmp_path / "one"), str(tmp_path / "two"))
    torchrun = ["torch.distributed.run", "--standalone", "--nproc_per_node", 2, "-m", "course_utils.train"]
    said = shell(*torchrun, *argv, "--output", tmp_path / "two")
    assert said.returncode == 0, said.stderr.decode()
    assert said.stdout.decode() == lines
    check_alike(tmp_path / "one", tmp_path / "two")
    assert torch.allclose(prompt_of(tmp_path / "one"), prompt_of(tmp_path / "two"), rtol=0, atol=1e-4)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "one", "two"]


def free_port():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return str(server.getsockname()[1])


def start_several(folder, *argv, count=3):
    shared = {"WORLD_SIZE": str(count), "LOCAL_WORLD_SIZE": str(count), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free_port()}
    return [start_training(folder, *argv, name=f"rank{i}", RANK=str(i), LOCAL_RANK=str(i), **shared) for i in range(count)]


def test_three_processes_train_another_system_with_accumulated_gradients(tiny, tmp_path):
    argv = [*tiny, "--system", "LoRA", *EXACT, "--epochs", 2, "--batch-size", 4, "--gradient-accumulation-steps", 2]
    alone = start_training(tmp_path, *argv, "--output", tmp_path / "one")
    several = start_several(tmp_path, *argv, "--output", tmp_path / "three")
    for child in (alone, *several):
        child.join(60)
        assert child.exitcode == 0, [path.read_text() for path in tmp_path.glob("*.err")]
    check_alike(tmp_path / "one", tmp_path / "three")
    assert [len((tmp_path / f"rank{i}.out").read_text()) > 0 for i in range(3)] == [True, False, False]


def test_alone_there_is_nothing_to_share():
    assert (processes.world_size(), processes.rank()) == (1, 0)
    assert processes.share_of([1, 2, 3]) == processes.gathered([1, 2, 3]) == [1, 2, 3]
