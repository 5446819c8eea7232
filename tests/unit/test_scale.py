"""The switch: what it names, that it is obeyed, and that setup() says so."""

import inspect
import json
import os
import subprocess
import sys

import pytest
import torch

from course_utils import TrainingConfig, course_scale, load_base_model, load_task_data
from course_utils.base_models import COURSE_MODELS
from course_utils.lessons.scale import SCALES
from course_utils.lessons.setup import repository_root
from course_utils.records import PUBLIC_DATASETS
from course_utils.tasks import TASKS


@pytest.mark.parametrize("value, name", [(None, "mini"), ("", "mini"), ("mini", "mini"), ("full", "full")])
def test_the_variable_names_the_scale(monkeypatch, value, name):
    monkeypatch.delenv("COURSE_SCALE", raising=False)
    if value is not None:
        monkeypatch.setenv("COURSE_SCALE", value)
    assert course_scale().name == name


def test_an_unknown_scale_is_an_error_that_names_the_known_ones(monkeypatch):
    monkeypatch.setenv("COURSE_SCALE", "huge")
    with pytest.raises(ValueError, match="COURSE_SCALE='huge': expected one of mini, full"):
        course_scale()


def test_mini_needs_no_hub_and_full_is_gpt2_with_public_data():
    assert SCALES["mini"].base_model in COURSE_MODELS and SCALES["mini"].data == "embedded"
    assert SCALES["full"].base_model == "openai-community/gpt2" and SCALES["full"].data == "hub"
    assert {dataset.path for dataset in PUBLIC_DATASETS.values()} == {
        "abisee/cnn_dailymail", "rajpurkar/squad", "bentrevett/multi30k"}
    assert PUBLIC_DATASETS.keys() == TASKS.keys()


@pytest.mark.parametrize("scale", SCALES.values(), ids=SCALES)
def test_the_fields_suit_what_they_are_for(scale):
    TrainingConfig(epochs=scale.epochs, batch_size=scale.batch_size, learning_rate=scale.learning_rate)
    assert {"max_train", "max_eval", "data"} <= set(inspect.signature(load_task_data).parameters)
    assert "name_or_path" in inspect.signature(load_base_model).parameters


# ---- setup(): in processes of their own, because it changes the folder, the seeds and the libraries' switches

# Loads what reads no switch, then runs each program in a fork of its own, all at once, with what it says in a file.
FORKS = """
import json, os, sys, traceback
import matplotlib.figure, pandas, pyarrow, torch, torch._dynamo, torch.distributed.tensor
torch.set_num_threads(1)
folder, programs = json.load(sys.stdin)
for name, (variables, program) in programs.items():
    if not os.fork():
        file = os.open(os.path.join(folder, name), os.O_WRONLY | os.O_CREAT)
        os.dup2(file, 1), os.dup2(file, 2)
        os.environ.update(variables)
        try:
            exec(program)
        except Exception:
            traceback.print_exc()
        sys.stdout.flush(), sys.stderr.flush()
        os._exit(0)
for _ in programs:
    os.wait()
"""
SETUP = "from course_utils.lessons.setup import setup\nsetup()\n"
SWITCHES = SETUP + """
import datasets, huggingface_hub.constants, os
print(os.environ["HF_HUB_OFFLINE"], huggingface_hub.constants.HF_HUB_OFFLINE, datasets.config.HF_HUB_OFFLINE)
"""
ON_A_GPU = """
import course_utils.base_models, course_utils.lessons.setup, torch
torch.cuda.is_available, torch.cuda.get_device_name = (lambda: True), (lambda device: "Tesla T4")
torch.manual_seed = lambda seed: None
course_utils.base_models.choose_device = lambda: torch.device("cuda")
course_utils.lessons.setup.setup()
"""
PROGRAMS = {
    "nothing set": ({}, SWITCHES),
    "mini, online": ({"COURSE_SCALE": "mini", "HF_HUB_OFFLINE": "0"}, SWITCHES),
    "full": ({"COURSE_SCALE": "full"}, SWITCHES),
    "full, offline": ({"COURSE_SCALE": "full", "HF_HUB_OFFLINE": "1"}, SWITCHES),
    "unknown": ({"COURSE_SCALE": "ful"}, SETUP),
    "mini on a GPU": ({}, ON_A_GPU),
    "full on a GPU": ({"COURSE_SCALE": "full"}, ON_A_GPU),
}


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """What each of the programs says."""
    if not hasattr(os, "fork"):
        pytest.skip("forks")
    folder = tmp_path_factory.mktemp("said")
    clean = {name: value for name, value in os.environ.items() if name not in ("COURSE_SCALE", "HF_HUB_OFFLINE")}
    subprocess.run([sys.executable, "-c", FORKS], input=json.dumps([str(folder), PROGRAMS]), cwd=repository_root(), env=clean,
                   text=True, check=True)
    return {name: (folder / name).read_text() for name in PROGRAMS}


@pytest.mark.parametrize("program, switches", [
    ("nothing set", "1 True True"),
    ("mini, online", "0 False False"),
    ("full", "0 False False"),
    ("full, offline", "1 True True"),
])
def test_setup_stays_off_the_network_unless_it_is_asked_for(said, program, switches):
    lines = said[program].splitlines()
    assert lines[-1] == switches, said[program]
    assert lines[0].startswith("device ") and "seed 0, torch" in lines[0]
    told = [line for line in lines if line.startswith("scale full: openai-community/gpt2 and public data")]
    assert len(told) == program.startswith("full")


def test_setup_refuses_an_unknown_scale(said):
    assert "COURSE_SCALE='ful': expected one of mini, full" in said["unknown"]


def test_setup_offers_full_where_there_is_a_gpu_and_mini_is_on(said):
    offer = "then run `%env COURSE_SCALE=full` in a cell before this one"
    assert offer in said["mini on a GPU"] and "device Tesla T4" in said["mini on a GPU"]
    assert offer not in said["full on a GPU"] and "device Tesla T4" in said["full on a GPU"]
    if not torch.cuda.is_available():
        assert offer not in said["nothing set"]
