"""`make sync`: make the notebooks from their sources, notebooks/*.py -> notebooks/*.ipynb, executed.

    python tools/sync.py [05] [--force]

The .py file is the one that is edited. A notebook whose cells already equal its source and that was executed is left
alone; --force runs it again, which is due after a change of course_utils or data. What is written is kept free of
anything that changes from run to run without meaning: widget state, timings, kernel versions, random ids.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

# tools/ and course_utils/ are folders of the repository, not installed packages.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import nbformat
from nbformat import NotebookNode
from tqdm.auto import tqdm

from tools.execution import LessonFailed, execute, flatten_widgets
from tools.lessons import NOTEBOOKS, cell_contents, lesson_files, read_notebook, read_source


def is_current(source: NotebookNode, path: Path) -> bool:
    """True where the notebook at `path` has the source's cells and every code cell in it was executed."""
    if not path.exists():
        return False
    notebook = read_notebook(path)
    return cell_contents(source) == cell_contents(notebook) and not unexecuted_cells(notebook)


def unexecuted_cells(notebook: NotebookNode) -> list[int]:
    """Numbers (from 1) of code cells that have content and no execution count, cells tagged nbval-skip aside.

    nbval runs a cell without a count but compares nothing: such a cell would be untested in silence.
    """
    return [
        number for number, cell in enumerate(notebook.cells, start=1)
        if cell.cell_type == "code" and cell.source.strip() and cell.execution_count is None
        and "nbval-skip" not in cell.metadata.get("tags", [])
    ]


def tidy(notebook: NotebookNode, seconds: float) -> NotebookNode:
    """Bring an executed notebook into the form that is committed; its run time, up to the next 5 s, is noted."""
    flatten_widgets(notebook)
    notebook.metadata.language_info = {"name": "python"}   # the kernel adds its exact version
    notebook.metadata["course"] = {"seconds": 5 * -(-int(seconds + 1) // 5)}
    for cell in notebook.cells:
        cell.metadata = NotebookNode({"tags": cell.metadata["tags"]} if cell.metadata.get("tags") else {})
        for output in cell.get("outputs", []):
            output.get("metadata", {}).clear()
            # An error that is shown on purpose: a traceback would name this machine's folders. An exercise's is one line already.
            if output.output_type == "error" and output.traceback != [output.evalue]:
                output.traceback = [f"{output.ename}: {output.evalue}".removesuffix(": ")]
    return notebook


def write_notebook(path: Path, notebook: NotebookNode) -> None:
    """Write `notebook` in one step, so that a killed run leaves the old one whole."""
    partial = path.with_name(f".{path.name}.tmp")
    nbformat.write(notebook, partial)
    os.replace(partial, path)


def sync(folder: Path, only: str | None = None, force: bool = False) -> list[str]:
    """Bring the notebooks in `folder` up to their sources; returns the names of those that were written.

    Raises:
        LessonFailed: a cell failed; this notebook is left as it was. ValueError: `only` names no lesson.
    """
    written = []
    sources = {path: read_source(path) for path in lesson_files(folder, only)}
    due = {path: source for path, source in sources.items()
           if force or not is_current(source, path.with_suffix(".ipynb"))}
    cells = sum(cell.cell_type == "code" for source in due.values() for cell in source.cells)
    with tqdm(total=cells, bar_format="{desc} |{bar}| cell {n_fmt}/{total_fmt} [{elapsed}]", disable=not due) as bar:
        for path, notebook in due.items():
            bar.set_description_str(f"{path.stem:<26}")
            started = time.perf_counter()
            execute(path.stem, notebook, folder, on_cell=lambda index: bar.update())
            write_notebook(path.with_suffix(".ipynb"), tidy(notebook, time.perf_counter() - started))
            written.append(path.stem)
    return written


def main() -> int:
    parser = argparse.ArgumentParser(description="Make notebooks/*.ipynb from notebooks/*.py, executed.")
    parser.add_argument("lesson", nargs="?", help="one lesson only, e.g. 05")
    parser.add_argument("--force", action="store_true", help="run notebooks again whose source did not change")
    parser.add_argument("--folder", type=Path, default=NOTEBOOKS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    try:
        written = sync(arguments.folder.resolve(), arguments.lesson, arguments.force)
    except (LessonFailed, ValueError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    print("Written: " + ", ".join(written) if written else "All notebooks equal their sources; nothing to do.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
