"""`make course`: run every lesson in order, render the course as HTML, print the results table.

    python tools/run_course.py [05] [--output build/course]

Copies in memory are executed; the committed notebooks stay as they are. Ends with exit code 1 at the first cell that fails, and
where a lesson that must leave results left none.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

# tools/ and course_utils/ are folders of the repository, not installed packages.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tqdm.auto import tqdm

from tools import course_page, results_table
from tools.execution import LessonFailed, execute, flatten_widgets
from tools.lessons import ROOT, course_config, lesson_card, lesson_files, read_notebook


def run_course(root: Path, only: str | None, output: Path) -> list[str]:
    """Run the lessons below `root`, write their pages and the index to `output`; returns warnings to print.

    Raises:
        ValueError: `only` names no lesson. LessonFailed: a cell failed, or a lesson left no results that should have.
    """
    config, warnings = course_config(root), []
    files = lesson_files(root / "notebooks", only, ".ipynb")
    if not files:
        raise ValueError(f"there are no notebooks in {root / 'notebooks'}; expected files such as 01_discrete_prompts.ipynb")
    notebooks = {file.stem: read_notebook(file) for file in files}
    cells = sum(cell.cell_type == "code" for notebook in notebooks.values() for cell in notebook.cells)
    output.mkdir(parents=True, exist_ok=True)
    for page in lesson_files(output, None, ".*") if not only else []:
        page.unlink()   # a lesson that was renamed since must not stay on the index
    # Cells take very different times, so a remaining time would only mislead.
    form = "{desc} |{bar}| cell {n_fmt}/{total_fmt} [{elapsed}]"
    with tqdm(total=cells, bar_format=form, ascii=None, dynamic_ncols=True) as bar:
        for name, notebook in notebooks.items():
            bar.set_description_str(f"{name:<26}")
            result = root / "results" / f"{name}.json"
            before = result.stat().st_mtime_ns if result.exists() else None
            for cell in notebook.cells:
                if cell.cell_type == "code":
                    cell.outputs, cell.execution_count = [], None
            started = time.perf_counter()
            execute(name, notebook, root / "notebooks", on_cell=lambda index: bar.update())
            seconds = time.perf_counter() - started
            after = result.stat().st_mtime_ns if result.exists() else None
            if name in config["writes_results"] and after in (None, before):
                raise LessonFailed(f"{name}.ipynb ran without error but wrote no results/{name}.json.\nExpected: a call of "
                                   f'course_utils.results.save_results("{name}", ...)')
            if seconds > config["seconds_per_lesson"]:
                warnings.append(f"{name} took {seconds:.0f} s; its budget on 2 quiet cores is {config['seconds_per_lesson']} s")
            flatten_widgets(notebook)
            course_page.write_lesson(output, lesson_card(name, notebook), notebook, seconds)
    return warnings


def main() -> int:
    parser = argparse.ArgumentParser(description="Run the lessons, render them as HTML, print the results table.")
    parser.add_argument("lesson", nargs="?", help="run one lesson only, e.g. 05")
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "course", help="folder of the pages")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    try:
        warnings = run_course(arguments.root.resolve(), arguments.lesson, arguments.output.resolve())
        tables = results_table.load_tables(arguments.root / "results")
    except (LessonFailed, ValueError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    index = course_page.write_index(arguments.output.resolve(), tables, course_config(arguments.root))
    print(f"\n{results_table.as_text(tables)}\n" if tables else "\nNo lesson has left results yet.\n")
    for warning in warnings:
        print(f"note: {warning}")
    print(f"The rendered course: {index}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
