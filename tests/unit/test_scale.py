"""The switch: what it names, that it is obeyed, and that setup() says so."""

import inspect
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


# ---- setup(): in a process of its own, because it changes the folder, the seeds and the libraries' switches


def after_setup(code, **variables):
    """What a fresh Python prints that runs setup() and then ``code``."""
    clean = {name: value for name, value in os.environ.items() if name not in ("COURSE_SCALE", "HF_HUB_OFFLINE")}
    program = f"from course_utils.lessons.setup import setup\nsetup()\n{code}"
    run = subprocess.run([sys.executable, "-c", program], cwd=repository_root(), env=clean | variables,
                         capture_output=True, text=True, check=False)
    return run.stdout + run.stderr


SWITCHES = """
import datasets, huggingface_hub.constants, os
print(os.environ["HF_HUB_OFFLINE"], huggingface_hub.constants.HF_HUB_OFFLINE, datasets.config.HF_HUB_OFFLINE)
"""


@pytest.mark.parametrize("variables, switches", [
    ({}, "1 True True"),
    ({"COURSE_SCALE": "mini", "HF_HUB_OFFLINE": "0"}, "0 False False"),
    ({"COURSE_SCALE": "full"}, "0 False False"),
    ({"COURSE_SCALE": "full", "HF_HUB_OFFLINE": "1"}, "1 True True"),
])
def test_setup_stays_off_the_network_unless_it_is_asked_for(variables, switches):
    lines = after_setup(SWITCHES, **variables).splitlines()
    assert lines[-1] == switches
    assert lines[0].startswith("device ") and "seed 0, torch" in lines[0]
    said = [line for line in lines if line.startswith("scale full: openai-community/gpt2 and public data")]
    assert len(said) == (variables.get("COURSE_SCALE") == "full")


def test_setup_refuses_an_unknown_scale():
    assert "COURSE_SCALE='ful': expected one of mini, full" in after_setup("", COURSE_SCALE="ful")


def test_setup_offers_full_where_there_is_a_gpu_and_mini_is_on():
    pretend = ("import torch, course_utils.base_models as b\n"
               "torch.cuda.is_available, torch.cuda.get_device_name = (lambda: True), (lambda device: 'Tesla T4')\n"
               "torch.manual_seed = lambda seed: None\nb.choose_device = lambda: torch.device('cuda')\nsetup()")
    offer = "then run `%env COURSE_SCALE=full` in a cell before this one"
    assert offer in after_setup(pretend) and "device Tesla T4" in after_setup(pretend)
    assert offer not in after_setup(pretend, COURSE_SCALE="full")
    if not torch.cuda.is_available():
        assert offer not in after_setup("")
