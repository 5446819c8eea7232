"""The lessons' setup call: light to import, and figures that describe themselves. (Its switches: test_scale.py.)"""

import subprocess
import sys

import matplotlib.pyplot as plt
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from course_utils.lessons.setup import figure_text, repository_root


def test_importing_setup_loads_no_library_that_reads_switches():
    code = "import sys, course_utils.lessons.setup; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], cwd=repository_root(), capture_output=True, text=True, check=True)
    assert not {"torch", "transformers", "datasets", "huggingface_hub", "tokenizers"} & set(run.stdout.split())


@pytest.fixture
def figure():
    plt.switch_backend("Agg")
    yield plt.figure()
    plt.close("all")


def test_a_figure_is_described_by_its_axes(figure):
    left, right = figure.subplots(1, 2)
    left.plot([1, 2], label="train")
    left.set(title="Loss of\ntwo runs", xlabel="epoch", ylabel="nats")
    right.set(xlabel="rank")
    assert figure_text(figure) == "Figure: Loss of two runs; nats by epoch; train | rank"


def test_a_figure_without_words_is_counted(figure):
    figure.subplots(1, 2)
    assert figure_text(figure) == "Figure: 2 plots"


def test_in_a_notebook_the_text_form_of_an_image_is_the_description():
    code = (f"import sys; sys.path.insert(0, {str(repository_root())!r})\nfrom course_utils.lessons import setup\n"
            "setup._plot_style()\nimport matplotlib.pyplot as plt\nplt.title('A line')\nplt.plot([1, 2])\nplt.show()")
    notebook = new_notebook(cells=[new_code_cell(code)])
    NotebookClient(notebook, kernel_name="python3").execute()
    (output,) = notebook.cells[0].outputs
    assert output.data["text/plain"] == "Figure: A line" and output.data["image/png"]
