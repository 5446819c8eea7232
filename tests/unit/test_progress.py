"""Bars: plain tqdm outside notebooks; inside, the last state is saved, needs no widget, and passes nbval."""

import os
import subprocess
import sys

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from course_utils.lessons.setup import repository_root
from course_utils.progress import progress_bar

CELLS = {
    "import": f"import sys, time; sys.path.insert(0, {str(repository_root())!r})\nfrom course_utils.progress import progress_bar",
    "loop": "for _ in progress_bar(range(5), description='Epoch 1/3', unit='step'):\n    time.sleep(0.06)\nprint('done')",
    "by hand": "with progress_bar(total=3) as bar:\n    bar.update(3)\n    bar.set_postfix(loss='<0.5>', refresh=False)",
    "unknown": "for _ in progress_bar(iter('abcd'), description='letters'):\n    time.sleep(0.06)",
    "vanishing": "for _ in progress_bar(range(5), leave=False):\n    time.sleep(0.06)",
    "disabled": "for _ in progress_bar(range(5), disable=True):\n    pass",
    "broken": "with progress_bar(range(4)) as bar:\n    bar.update(2)\n    raise ValueError",
}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """The path of an executed notebook with the cells above."""
    path = tmp_path_factory.mktemp("bars") / "bars.ipynb"
    cells = [new_code_cell(source, metadata={"tags": ["raises-exception"] if name == "broken" else []})
             for name, source in CELLS.items()]
    notebook = new_notebook(cells=cells)
    NotebookClient(notebook, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}}).execute()
    nbformat.write(notebook, path)
    return path


@pytest.fixture(scope="module")
def outputs(saved):
    cells = nbformat.read(saved, as_version=4).cells
    return {name: cell.outputs for name, cell in zip(CELLS, cells, strict=True)}


def test_the_last_state_is_saved_as_text(outputs):
    bar, printed = outputs["loop"]
    assert set(bar.data) == {"text/plain"} and printed.text == "done\n"
    text = bar.data["text/plain"]
    assert text.startswith("Epoch 1/3: 100%|█") and "| 5/5 [" in text and "step/s" in text
    assert "| 3/3 [" in outputs["by hand"][0].data["text/plain"] and "loss=<0.5>" in outputs["by hand"][0].data["text/plain"]
    assert outputs["unknown"][0].data["text/plain"].startswith("letters: ") and " 4/?" in outputs["unknown"][0].data["text/plain"]


def test_no_widget_and_no_stream_is_involved(saved, outputs):
    assert "widgets" not in nbformat.read(saved, as_version=4).metadata
    assert [len(each) for each in outputs.values()] == [0, 2, 1, 1, 1, 0, 2]


def test_a_bar_that_is_to_vanish_shows_nothing_afterwards(outputs):
    assert outputs["vanishing"][0].data == {"text/plain": ""}


def test_an_error_leaves_the_bar_where_it_was(outputs):
    assert " 50%|" in outputs["broken"][0].data["text/plain"] and "| 2/4 [" in outputs["broken"][0].data["text/plain"]


def test_nbval_accepts_the_saved_bars_each_time(saved):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval", "--nbval-current-env",
               f"--nbval-sanitize-with={repository_root() / 'nbval_sanitize.cfg'}", f"--rootdir={saved.parent}",
               "-c", os.devnull, str(saved)]
    for _ in range(2):
        run = subprocess.run(command, cwd=saved.parent, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stdout
    saved.write_text(saved.read_text(encoding="utf-8").replace("Epoch 1/3: 100%", "Epoch 2/3: 100%"), encoding="utf-8")
    run = subprocess.run(command, cwd=saved.parent, capture_output=True, text=True, check=False)
    assert run.returncode == 1 and "1 failed" in run.stdout, "another bar must not pass"


def test_outside_a_notebook_a_bar_goes_to_the_terminal(capsys):
    with progress_bar(total=2, description="Epoch") as bar:
        bar.update(2)
    assert list(progress_bar("ab", disable=True)) == ["a", "b"]
    assert "Epoch: 100%" in capsys.readouterr().err
