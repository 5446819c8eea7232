"""Run a notebook in memory and tidy what it leaves: shared by `make course` and `make sync`."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
HERE = "[a widget: run this notebook to use it]"
ANSI = re.compile(r"\x1b\[[0-9;]*m")


class LessonFailed(Exception):
    """A cell of a lesson failed. The message names notebook, cell and error and quotes the cell."""


def execute(
    name: str,
    notebook: NotebookNode,
    folder: Path,
    on_cell: Callable[[int], None] | None = None,
    seconds_per_cell: int = 600,
) -> NotebookNode:
    """Run `notebook` in a fresh kernel whose working directory is `folder`; outputs land in `notebook` itself.

    Args:
        name: what error messages call the notebook.
        on_cell: called with a code cell's index after it ran.
        seconds_per_cell: a cell that takes longer fails.

    Raises:
        LessonFailed: a cell raised an error (cells tagged `raises-exception` may), ran too long or killed the kernel.
    """
    current = 0

    def started(cell: NotebookNode, cell_index: int) -> None:
        nonlocal current
        current = cell_index

    def executed(cell: NotebookNode, cell_index: int, execute_reply: dict) -> None:
        if on_cell and cell.cell_type == "code":
            on_cell(cell_index)

    # The bars' look must not depend on the terminal that `make course` happens to run in.
    env = {key: value for key, value in os.environ.items() if key not in {"COLUMNS", "LINES", "TQDM_DISABLE"}}
    env.setdefault("PYTHONHASHSEED", "0")
    client = NotebookClient(
        notebook,
        timeout=seconds_per_cell,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        record_timing=False,
        coalesce_streams=True,
        extra_arguments=["--IPKernelApp.log_level=ERROR"],   # its warnings would tear the progress bar apart
        on_cell_execute=started,
        on_cell_executed=executed,
    )
    try:
        client.execute(env=env)
    except CellExecutionError as error:
        raise LessonFailed(describe_failure(name, notebook, current, error.ename, error.evalue)) from None
    except CellTimeoutError:
        message = f"the cell ran longer than {seconds_per_cell} s"
        raise LessonFailed(describe_failure(name, notebook, current, "Timeout", message)) from None
    except DeadKernelError:
        message = "the kernel died, most often for lack of memory"
        raise LessonFailed(describe_failure(name, notebook, current, "DeadKernel", message)) from None
    return notebook


def describe_failure(name: str, notebook: NotebookNode, index: int, ename: str, evalue: str) -> str:
    """Notebook, cell number (counted as JupyterLab lists them, from 1), the cell's last lines, and the error."""
    source = notebook.cells[index].source.strip().splitlines()
    excerpt = [f"    {line}" for line in source[:12]] + ([f"    ... {len(source) - 12} more lines"] if source[12:] else [])
    kind = f"cell {index + 1} of {len(notebook.cells)}"
    where = [line for line in failing_lines(notebook.cells[index]) if line.strip() not in {x.strip() for x in excerpt}]
    lines = [f"{name}.ipynb, {kind} failed:", "", *excerpt, "", f"{ename}: {ANSI.sub('', evalue).strip()}"]
    return "\n".join(lines + [f"  at {line}" for line in where[-1:]])


def failing_lines(cell: NotebookNode) -> list[str]:
    """The lines to which the arrows of the cell's traceback point, outermost first."""
    for output in cell.get("outputs", []):
        if output.output_type == "error":
            text = ANSI.sub("", "\n".join(output.traceback))
            return [match[1].strip() for match in re.finditer(r"^-+> *\d+ (.*)$", text, re.MULTILINE)]
    return []


def flatten_widgets(notebook: NotebookNode) -> NotebookNode:
    """Replace live widgets by a line of text, and drop their state: GitHub refuses to show a notebook that carries it."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.get("data", {}).pop(WIDGET_VIEW, None):
                output.data["text/plain"] = HERE
    notebook.metadata.pop("widgets", None)
    return notebook
