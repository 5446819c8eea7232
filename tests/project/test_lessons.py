"""The committed lessons: in step with their sources, executed, within their limits, and opened in the same way."""

import json
import re
from pathlib import Path

import pytest

from tools.lessons import (
    NOTEBOOKS,
    ROOT,
    cell_contents,
    colab_badge,
    course_config,
    lesson_card,
    lesson_files,
    read_notebook,
    read_source,
    setup_cell,
)
from tools.sync import unexecuted_cells

LONGEST_CELL = 30   # lines of code
SOURCES = lesson_files()
every_lesson = pytest.mark.parametrize("source", SOURCES, ids=[path.stem for path in SOURCES])


def notebook_of(source: Path):
    return read_notebook(source.with_suffix(".ipynb"))


def test_every_notebook_has_its_source_and_every_source_its_notebook():
    names = {path.stem for path in NOTEBOOKS.glob("*.ipynb")}
    assert names == {path.stem for path in SOURCES}, "make the missing half with `make sync`, or delete the other one"


@every_lesson
def test_notebook_equals_its_source(source):
    ours, theirs = cell_contents(read_source(source)), cell_contents(notebook_of(source))
    for number, (wanted, found) in enumerate(zip(ours, theirs, strict=False), start=1):
        assert found == wanted, f"cell {number} of {source.stem}.ipynb is not that of {source.name}; run `make sync`"
    assert len(ours) == len(theirs), f"{source.name} and its notebook differ in length; run `make sync`"


@every_lesson
def test_cell_ids_follow_from_the_content(source):
    assert [cell.id for cell in notebook_of(source).cells] == [cell.id for cell in read_source(source).cells]


@every_lesson
def test_every_code_cell_was_executed_in_order(source):
    notebook = notebook_of(source)
    assert unexecuted_cells(notebook) == [], "nbval compares nothing in these cells; run `make sync`"
    counts = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code" and cell.execution_count]
    assert counts == list(range(1, len(counts) + 1))


@every_lesson
def test_outputs_are_there_and_none_is_an_unexpected_error(source):
    notebook = notebook_of(source)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for cell in code:
        if "raises-exception" not in cell.metadata.get("tags", []):
            assert not [output for output in cell.outputs if output.output_type == "error"], cell.source
        # A cell that prints must show something: its outputs were not stripped.
        if re.search(r"^(print|plt\.show|setup|display)\(", cell.source, re.MULTILINE):
            assert cell.outputs, f"no output below:\n{cell.source}"


@every_lesson
def test_no_widget_state_and_no_stray_metadata(source):
    raw = json.loads(source.with_suffix(".ipynb").read_text(encoding="utf-8"))
    assert set(raw["metadata"]) == {"kernelspec", "language_info", "course"}, "GitHub shows no notebook with widget state"
    for cell in raw["cells"]:
        assert set(cell["metadata"]) <= {"tags"}
        for output in cell.get("outputs", []):
            assert "application/vnd.jupyter.widget-view+json" not in output.get("data", {})


@every_lesson
def test_cells_are_short(source):
    for cell in read_source(source).cells:
        lines = len(cell.source.splitlines())
        assert cell.cell_type != "code" or lines <= LONGEST_CELL, f"{lines} lines of code in one cell:\n{cell.source}"


@every_lesson
def test_opens_with_title_badge_time_and_goals(source):
    notebook = read_source(source)
    first = notebook.cells[0]
    assert first.cell_type == "markdown"
    assert re.match(rf"# {source.stem[:2]} · \S", first.source), f"expected `# {source.stem[:2]} · Title`: {first.source[:60]}"
    card = lesson_card(source.stem, notebook)
    assert 3 <= len(card.goals) <= 5, f"'What you will be able to do' lists {len(card.goals)} points, expected 3 to 5"
    assert "CPU" in card.time and "GPU" in card.time, "expected a line **Time:** .. on 2 CPU cores, .. on a Colab GPU"
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    assert text.count(colab_badge(source.stem)) == 1, "run `make badges`"
    assert text.count("colab.research.google.com/github") == 1, "one badge a lesson"


@every_lesson
def test_closes_with_findings_reading_and_the_way_on(source):
    text = "\n".join(cell.source for cell in read_source(source).cells if cell.cell_type == "markdown")
    headings = [line.lower().replace("’", "'") for line in text.splitlines() if line.startswith("#")]
    for wanted in ("what we found", "further reading"):
        assert any(wanted in heading for heading in headings), f"no heading '{wanted}' among {headings}"


@every_lesson
def test_the_one_setup_cell(source):
    cells = [cell for cell in read_source(source).cells if "setup" in cell.metadata.get("tags", [])]
    assert [cell.source for cell in cells] == [setup_cell()], "run `make badges`"


@every_lesson
def test_time_budget_is_kept(source):
    seconds = notebook_of(source).metadata["course"]["seconds"]
    assert seconds <= course_config()["seconds_per_lesson"], "measured when the notebook was last made by `make sync`"


@every_lesson
def test_magics_stand_in_the_setup_cell_only(source):
    for cell in read_source(source).cells:
        if cell.cell_type == "code" and "setup" not in cell.metadata.get("tags", []):
            assert not re.search(r"^\s*[%!]", cell.source, re.MULTILINE), f"a lesson is plain Python:\n{cell.source}"


@every_lesson
def test_the_one_switch_is_read(source):
    """COURSE_SCALE decides on base model and data, in every lesson."""
    code = "\n".join(cell.source for cell in read_source(source).cells if cell.cell_type == "code")
    assert "course_scale()" in code, "load base model and data by `course_scale()`"


def test_readme_names_every_lesson_with_its_measured_time():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for source in SOURCES:
        seconds = notebook_of(source).metadata["course"]["seconds"]
        row = [line for line in readme.splitlines() if line.startswith("|") and f"notebooks/{source.stem}.ipynb" in line]
        assert row and f"| {seconds} s |" in row[0], f"run `make badges`: README's row of {source.stem} is missing or old"
