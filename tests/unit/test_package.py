"""The package as a whole: names, order of modules, size of the heart."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
import torch

import course_utils
from course_utils.training import TrainingLog

FOLDER = Path(course_utils.__file__).parent
ORDER = (
    "tasks", "metrics", "base_models", "public_data", "data", "prompt_init", "prompt_files", "soft_prompt", "evaluation",
    "training",
)


@pytest.mark.parametrize("name", course_utils.__all__)
def test_every_name_that_is_handed_out_exists(name):
    assert getattr(course_utils, name).__doc__ or name.isupper()
    assert name in dir(course_utils)


def test_unknown_name():
    with pytest.raises(AttributeError, match="course_utils has no 'trian'; it hands out"):
        _ = course_utils.trian


@pytest.mark.parametrize("name", ORDER)
def test_modules_import_only_from_those_before(name):
    tree = ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8"))
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level == 1}
    assert imported <= set(ORDER[: ORDER.index(name)])


def test_importing_the_package_loads_no_library():
    code = "import sys, course_utils; print('torch' in sys.modules, 'transformers' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], cwd=FOLDER.parent, capture_output=True, text=True, check=True)
    assert out.stdout.split() == ["False", "False"]


def test_the_heart_is_read_in_one_sitting():
    assert len((FOLDER / "soft_prompt.py").read_text(encoding="utf-8").splitlines()) < 150


@pytest.mark.parametrize("name", ORDER)
def test_every_public_class_and_long_function_says_what_it_does(name):
    module = importlib.import_module(f"course_utils.{name}")
    assert module.__doc__
    for node in ast.parse(Path(module.__file__).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.end_lineno - node.lineno > 6:
            assert ast.get_docstring(node), f"{name}.{node.name}"


# ---- plots


@pytest.fixture(autouse=True)
def no_window():
    plt.switch_backend("Agg")
    yield
    plt.close("all")


def test_plot_losses_draws_both_losses_of_every_log():
    logs = {
        name: TrainingLog([{"epoch": e, "train_loss": 3 / e, "validation_loss": 4 / e, "seconds": 1} for e in (1, 2)])
        for name in ("one", "two")
    }
    axes = course_utils.plot_losses(logs, {"unigram": 3.5})
    drawn = [list(line.get_ydata()) for line in axes.lines]
    assert drawn[:4] == [[4, 2], [3, 1.5]] * 2 and drawn[4] == [3.5, 3.5]


def test_plot_scores_draws_means_and_every_score():
    axes = course_utils.plot_scores({"soft": [80, 90], "hard": [10]}, "rougeL", colors={"soft": "red"})
    assert [bar.get_width() for bar in axes.patches] == [85, 10]
    assert [list(line.get_xdata()) for line in axes.lines] == [[80, 90], [10]]
    assert [text.get_text() for text in axes.texts] == ["85.0", "10.0"]
    assert axes.patches[0].get_facecolor()[:3] == (1, 0, 0)
    (whisker,) = axes.collections[0].get_segments()
    assert whisker[1][0] - whisker[0][0] == pytest.approx(2 * 50**0.5)   # the deviation of 80 and 90 is the root of 50


def test_plot_prompt_path_draws_each_row_from_start_to_end():
    snapshots = [torch.randn(3, 8) for _ in range(5)]
    axes = course_utils.plot_prompt_path(snapshots, torch.randn(20, 8))
    assert len(axes.lines) == 3 and all(len(line.get_xdata()) == 5 for line in axes.lines)
    assert [len(points.get_offsets()) for points in axes.collections] == [20, 3, 3]
