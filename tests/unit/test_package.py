"""The package as a whole: names, imports, plots."""

import ast
import graphlib
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
MODULES = {".".join(("course_utils", *path.relative_to(FOLDER).with_suffix("").parts)): path for path in FOLDER.rglob("*.py")
           if path.stem != "__init__"}


@pytest.mark.parametrize("name", course_utils.__all__)
def test_every_name_that_is_handed_out_exists(name):
    assert getattr(course_utils, name).__doc__ or name.isupper()
    assert name in dir(course_utils)


def test_unknown_name():
    with pytest.raises(AttributeError, match="course_utils has no 'trian'; it hands out"):
        _ = course_utils.trian


def imports_of(name):
    """The modules of the package that a module imports when it is imported itself, not later inside a function."""
    waiting, found = list(ast.parse(MODULES[name].read_text(encoding="utf-8")).body), set()
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.ImportFrom):
            base = ".".join([*name.split(".")[: -node.level], *filter(None, [node.module])]) if node.level else node.module
            found |= {base, *(f"{base}.{each.name}" for each in node.names)}
        elif isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            waiting += list(ast.iter_child_nodes(node))
    return found & set(MODULES)


def test_modules_do_not_import_each_other_in_circles():
    graph = {name: imports_of(name) for name in MODULES}
    assert graph["course_utils.train"] and graph["course_utils.soft_prompt"]
    list(graphlib.TopologicalSorter(graph).static_order())  # CycleError shows the circle


@pytest.mark.parametrize("name", sorted(MODULES))
def test_each_module_can_be_imported_first(name, monkeypatch):
    for loaded in [each for each in sys.modules if each.split(".")[0] == "course_utils"]:
        monkeypatch.delitem(sys.modules, loaded)
    assert importlib.import_module(name).__doc__
    for loaded in [each for each in sys.modules if each.split(".")[0] == "course_utils"]:
        monkeypatch.delitem(sys.modules, loaded)  # what was there comes back


def test_importing_the_package_loads_no_library():
    code = "import sys, course_utils; print('torch' in sys.modules, 'transformers' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], cwd=FOLDER.parent, capture_output=True, text=True, check=True)
    assert out.stdout.split() == ["False", "False"]


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
