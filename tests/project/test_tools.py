"""The tools on small notebooks of their own: running, failing, tidying, addressing, the environment's stamp."""

import json
import re
import shutil
import sys
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course_utils.results import save_results
from tools import address, course_page, prepare, results_table, run_course, sync
from tools.execution import ANSI, WIDGET_VIEW, LessonFailed, execute, flatten_widgets
from tools.lessons import ROOT, cell_contents, lesson_card, lesson_files, read_notebook, read_source, setup_cell

LESSON = """# %% [markdown]
# # 05 · Summarization
#
# **Time:** 1 minute on 2 CPU cores, 1 minute on a Colab GPU.
#
# ## What you will be able to do
# - count to `two`,
#   in one line
# - stop

# %% tags=["setup"]
pass

# %%
print(1 + 1)
"""
ROWS = [
    {"system": "copy", "seeds": [], "loss": None, "metrics": {"rougeL": 0.5}},
    {"system": "soft prompt, 1 token", "seeds": [0, 1], "loss": 1.25, "metrics": {"rougeL": 0.75}, "spread": {"rougeL": 0.01}},
]
RESULTS = {"task": "summarization", "base_model": "course-gpt2-m", "test_size": 110, "rows": ROWS}


@pytest.fixture
def course(tmp_path):
    """A course of one lesson, with its own pyproject.toml and README.md."""
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "05_summarization.py").write_text(LESSON, encoding="utf-8")
    (tmp_path / "README.md").write_text(
        "git clone https://github.com/a/b\ncd b\n\n<!-- course map: x -->\n<!-- end of course map -->\n", encoding="utf-8")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def write_executed(path: Path, *sources: str) -> None:
    """An .ipynb as `make sync` would leave it, without the cost of a kernel."""
    notebook = new_notebook(cells=[new_markdown_cell("# 05 · Summarization"), *(new_code_cell(s) for s in sources)])
    nbformat.write(notebook, path)


# Notebook sources -------------------------------------------------------------------------------------------------------

def test_reading_a_source_twice_gives_the_same_notebook(course):
    path = course / "notebooks" / "05_summarization.py"
    assert read_source(path) == read_source(path)


def test_editing_one_cell_changes_one_id(course):
    path = course / "notebooks" / "05_summarization.py"
    before = [cell.id for cell in read_source(path).cells]
    path.write_text(LESSON.replace("1 + 1", "1 + 2"), encoding="utf-8")
    after = [cell.id for cell in read_source(path).cells]
    assert [old == new for old, new in zip(before, after, strict=True)] == [True, True, False]


def test_equal_cells_get_different_ids(course):
    path = course / "notebooks" / "05_summarization.py"
    path.write_text(LESSON + "\n# %%\nprint(1 + 1)\n", encoding="utf-8")
    ids = [cell.id for cell in read_source(path).cells]
    assert len(set(ids)) == len(ids) == 4


def test_card_is_read_from_the_text(course):
    card = lesson_card("05_summarization", read_source(course / "notebooks" / "05_summarization.py"))
    assert (card.number, card.title) == ("05", "Summarization")
    assert card.goals == ("count to `two`, in one line", "stop")
    assert card.time.startswith("1 minute on 2 CPU")


def test_choosing_one_lesson(course):
    folder = course / "notebooks"
    assert lesson_files(folder, "5") == lesson_files(folder, "05") == lesson_files(folder, "05_summarization.ipynb")
    with pytest.raises(ValueError, match=r"no lesson '7'.*05_summarization"):
        lesson_files(folder, "7")


# Running ----------------------------------------------------------------------------------------------------------------

def test_sync_writes_an_executed_notebook_and_then_has_nothing_to_do(course):
    folder = course / "notebooks"
    assert sync.sync(folder) == ["05_summarization"]
    notebook = read_notebook(folder / "05_summarization.ipynb")
    assert notebook.cells[2].outputs[0].text == "2\n"
    assert cell_contents(notebook) == cell_contents(read_source(folder / "05_summarization.py"))
    assert set(notebook.metadata) == {"kernelspec", "language_info", "course"}
    assert sync.sync(folder) == []


def test_a_failing_cell_ends_sync_and_leaves_the_notebook(course):
    folder = course / "notebooks"
    write_executed(folder / "05_summarization.ipynb", "print(0)")
    before = (folder / "05_summarization.ipynb").read_bytes()
    (folder / "05_summarization.py").write_text(LESSON.replace("1 + 1", "1 / 0"), encoding="utf-8")
    with pytest.raises(LessonFailed):
        sync.sync(folder)
    assert (folder / "05_summarization.ipynb").read_bytes() == before


def test_an_error_shown_on_purpose_keeps_its_message_and_names_no_folder(course):
    path = course / "notebooks" / "05_summarization.py"
    path.write_text(LESSON + '\n# %% tags=["raises-exception"]\nfrom json import loads\n\nloads("")\n', encoding="utf-8")
    sync.sync(course / "notebooks")
    error = read_notebook(path.with_suffix(".ipynb")).cells[-1].outputs[0]
    assert error.traceback == [f"JSONDecodeError: {error.evalue}"] and "Expecting value" in error.evalue


def test_an_open_exercise_and_one_with_an_error_of_its_own_in_the_notebook(course):
    """Open: one friendly line, also when committed. An error inside the answer: its own lines, and none of the check's."""
    path = course / "notebooks" / "05_summarization.py"
    cells = [
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\nfrom course_utils.lessons.checks_05 import check_05_edit",
        "def edit(document):\n    raise NotImplementedError\n\ncheck_05_edit(edit)",
        "def edit(document):\n    return document\n\ncheck_05_edit(edit)",
        "def edit(document):\n    return document.splits()\n\ncheck_05_edit(edit)",
    ]
    path.write_text(LESSON + "".join(f'\n# %% tags=["raises-exception"]\n{cell}\n' for cell in cells), encoding="utf-8")
    notebook = execute(path.stem, read_source(path), path.parent)
    opened, wrong, own = (cell.outputs[0] for cell in notebook.cells[-3:])
    assert opened.ename == "ExerciseNotSolved" and opened.traceback == [opened.evalue] and "edit" in opened.evalue
    assert wrong.ename == "ExerciseWrong" and wrong.traceback == [wrong.evalue] and "nothing has changed" in wrong.evalue
    shown = ANSI.sub("", "\n".join(own.traceback))
    assert own.ename == "AttributeError" and "document.splits()" in shown and "swap_crowds" not in shown and "lost" not in shown
    committed = [cell.outputs[0].traceback for cell in sync.tidy(notebook, 1).cells[-3:]]
    assert committed == [[opened.evalue], [wrong.evalue], [f"AttributeError: {own.evalue}"]]


def test_a_cell_without_execution_count_is_found():
    notebook = new_notebook(cells=[new_code_cell("1"), new_code_cell("2", execution_count=1), new_code_cell("")])
    notebook.cells.append(new_code_cell("3", metadata={"tags": ["nbval-skip"]}))
    assert sync.unexecuted_cells(notebook) == [1]


def run(course, monkeypatch, capsys, *arguments):
    """`make course` on the small course: (exit code, what it printed)."""
    out = ["--root", str(course), "--output", str(course / "pages")]
    monkeypatch.setattr(sys, "argv", ["run_course.py", *arguments, *out])
    code = run_course.main()
    printed = capsys.readouterr()
    return code, printed.out + printed.err


def test_a_failing_cell_ends_the_course_with_notebook_cell_and_error(course, monkeypatch, capsys):
    path = course / "notebooks" / "05_summarization.ipynb"
    write_executed(path, "print('fine')", "x = [1]\nx[3]")
    before = path.read_bytes()
    code, printed = run(course, monkeypatch, capsys)
    assert code == 1
    assert "05_summarization.ipynb, cell 3 of 3 failed" in printed
    assert "    x[3]" in printed and "IndexError: list index out of range" in printed
    assert path.read_bytes() == before


def test_the_course_ends_with_table_and_pages(course, monkeypatch, capsys):
    path = course / "notebooks" / "05_summarization.ipynb"
    saving = (f"import sys; sys.path.insert(0, {str(ROOT)!r})\nfrom course_utils.results import save_results\n"
              f"save_results('05_summarization', {RESULTS!r}, folder={str(course / 'results')!r})")
    write_executed(path, saving)
    before = path.read_bytes()
    code, printed = run(course, monkeypatch, capsys, "05")
    assert code == 0, printed
    assert path.read_bytes() == before
    for expected in ("summarization · course-gpt2-m · 110 test examples", "soft prompt, 1 token", "0.750 ± 0.010", "0, 1"):
        assert expected in printed
    index = (course / "pages" / "index.html").read_text(encoding="utf-8")
    assert 'href="05_summarization.html"' in index and "0.750 ± 0.010" in index
    assert "index.html" in (course / "pages" / "05_summarization.html").read_text(encoding="utf-8")


def test_a_lesson_that_leaves_no_results_is_an_error(course, monkeypatch, capsys):
    write_executed(course / "notebooks" / "05_summarization.ipynb", "1")
    save_results("05_summarization", RESULTS, folder=course / "results")   # of an earlier run: does not count
    code, printed = run(course, monkeypatch, capsys)
    assert code == 1 and "wrote no results/05_summarization.json" in printed


def test_a_killed_kernel_is_reported_with_its_cell(tmp_path):
    notebook = new_notebook(cells=[new_code_cell("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")])
    with pytest.raises(LessonFailed, match="the kernel died"):
        execute("05_summarization", notebook, tmp_path)


# Tidying ----------------------------------------------------------------------------------------------------------------

def test_a_widget_says_where_to_use_it():
    slider = new_output("display_data", {WIDGET_VIEW: {"model_id": "a"}, "text/plain": "interactive(..."})
    text = new_output("display_data", {"text/plain": "Epoch 1/2: 100%"})
    notebook = new_notebook(cells=[new_code_cell("slider", outputs=[slider, text])], metadata={"widgets": {"state": {}}})
    outputs = flatten_widgets(notebook).cells[0].outputs
    assert set(outputs[0].data) == {"text/plain"} and "run this notebook" in outputs[0].data["text/plain"]
    assert outputs[1].data == {"text/plain": "Epoch 1/2: 100%"} and "widgets" not in notebook.metadata


def test_markdown_of_a_card():
    assert course_page.inline("**a** `b<c` [d](e.md)") == "<b>a</b> <code>b&lt;c</code> d"
    assert [course_page.duration(s) for s in (48.4, 125)] == ["48 s", "2 min 5 s"]


def test_links_of_a_page_lead_to_pages_and_into_the_repository():
    body = '<a href="02_soft.ipynb#top"> <a href="../README.md"> <img src="../x.png"> <a href="https://e.org/01_a.ipynb">'
    expected = '<a href="02_soft.html#top"> <a href="../../README.md"> <img src="../../x.png"> <a href="https://e.org/01_a.ipynb">'
    assert course_page.move_links(body, "../..") == expected


def page_of(tmp_path, *cells):
    """A rendered lesson as parsed HTML."""
    card = lesson_card("05_summarization", new_notebook(cells=[new_markdown_cell("# 05 · A & B")]))
    page = course_page.write_lesson(tmp_path, card, new_notebook(cells=list(cells)), 65)
    return BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")


def test_a_page_asks_no_network_for_anything(tmp_path):
    page = page_of(tmp_path, new_markdown_cell(address.colab_badge("05_summarization")), new_code_cell("1 + 1"))
    assert not page.find_all("script") and not page.find_all("link") and not page.find_all("iframe")
    assert not [image for image in page.find_all("img") if image["src"].startswith(("http", "//"))]
    assert not [style for style in page.find_all("style") if re.search(r"@import|url\((?!['\"]?data:)", style.text)]
    (badge,) = [link for link in page.find_all("a") if "colab" in link["href"]]
    assert badge.text == "Open in Colab"


def test_a_page_shows_formulas_without_scripts(tmp_path):
    page = page_of(tmp_path, new_markdown_cell("So $\\ln V$ and\n\n$$\\frac{1}{n} < 2$$\n\nand `$x$` cost 5 dollars."))
    inline, block = page.find_all("math")
    assert [each.name for each in inline.mrow.find_all(True)] == ["mi", "mspace", "mi"]
    assert block.mfrac and block["display"] == "block"
    assert "$x$" in page.code.text


def test_a_page_describes_its_figures_and_keeps_both_colour_schemes(tmp_path):
    pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    outputs = [new_output("display_data", {"image/png": pixel, "text/plain": 'Figure: "loss" by epoch'}),
               new_output("display_data", {"image/png": pixel}, metadata={"image/png": {"alt": "a dot"}})]
    page = page_of(tmp_path, new_code_cell("plot()", outputs=outputs))
    assert [image["alt"] for image in page.find_all("img")] == ['Figure: "loss" by epoch', "a dot"]
    assert page.find("style", media="(prefers-color-scheme: dark)")
    assert page.nav.a["href"] == "index.html" and "05 A & B" in page.nav.text and "1 min 5 s" in page.nav.text


# Results ----------------------------------------------------------------------------------------------------------------

def test_table_shows_spread_seeds_and_gaps():
    table = results_table.one_table(ROWS)
    assert list(table.columns) == ["loss", "ROUGE-L", "seeds"]
    assert list(table.loc["copy"]) == ["–", "0.500", "–"]
    assert list(table.loc["soft prompt, 1 token"]) == ["1.250", "0.750 ± 0.010", "0, 1"]


def test_a_broken_results_file_is_named(tmp_path):
    (tmp_path / "05_summarization.json").write_text('{"task": "x"}', encoding="utf-8")
    with pytest.raises(ValueError, match=r"05_summarization\.json.*KeyError"):
        results_table.load_tables(tmp_path)


def test_results_are_replaced_in_one_step(tmp_path):
    path = save_results("05_summarization", RESULTS, folder=tmp_path)
    assert json.loads(path.read_text(encoding="utf-8")) == {"lesson": "05_summarization", **RESULTS}
    broken = RESULTS | {"note": object()}
    with pytest.raises(TypeError, match="object"):
        save_results("05_summarization", broken, folder=tmp_path)
    assert json.loads(path.read_text(encoding="utf-8"))["rows"] == ROWS
    assert [file.name for file in tmp_path.iterdir()] == ["05_summarization.json"]


@pytest.mark.parametrize(("change", "message"), [
    ({"rows": []}, "no rows"),
    ({"rows": [{"system": "copy"}]}, "row 1 .* lacks seeds, loss, metrics"),
    ({"rows": [ROWS[0] | {"loss": float("nan")}]}, "loss of 'copy' is nan"),
    ({"rows": [ROWS[0] | {"metrics": {"rougeL": float("inf")}}]}, "rougeL of 'copy' is inf"),
])
def test_results_that_no_table_can_show_are_refused(tmp_path, change, message):
    with pytest.raises(ValueError, match=message):
        save_results("05_summarization", RESULTS | change, folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_results_without_a_task_are_refused(tmp_path):
    with pytest.raises(ValueError, match="lack task"):
        save_results("05", {key: value for key, value in RESULTS.items() if key != "task"}, folder=tmp_path)


# Address ----------------------------------------------------------------------------------------------------------------

def test_one_command_moves_the_course_to_another_address(course):
    folder = course / "notebooks"
    address.rewrite_all(course)
    write_executed(folder / "05_summarization.ipynb")
    nbformat.write(read_source(folder / "05_summarization.py"), folder / "05_summarization.ipynb")
    address.set_repository(course / "pyproject.toml", "https://github.com/teacher/my-course.git")
    changed = {path.name for path in address.rewrite_all(course)}
    assert changed == {"05_summarization.py", "05_summarization.ipynb", "README.md"}
    for name in changed:
        text = next(course.rglob(name)).read_text(encoding="utf-8")
        assert "teacher/my-course" in text and "soft-prompt-course/soft-prompt-course" not in text
    assert "git clone https://github.com/teacher/my-course\ncd my-course\n" in (course / "README.md").read_text(encoding="utf-8")
    source, notebook = read_source(folder / "05_summarization.py"), read_notebook(folder / "05_summarization.ipynb")
    assert cell_contents(source) == cell_contents(notebook)
    assert [cell.id for cell in source.cells] == [cell.id for cell in notebook.cells]
    assert address.rewrite_all(course) == []


def test_an_address_that_colab_cannot_open_is_refused(course):
    with pytest.raises(ValueError, match="expected an address such as"):
        address.set_repository(course / "pyproject.toml", "ftp://example.org/x")


def test_a_lesson_without_setup_cell_is_refused(course):
    path = course / "notebooks" / "05_summarization.py"
    path.write_text(LESSON.replace(' tags=["setup"]', ""), encoding="utf-8")
    with pytest.raises(ValueError, match="exactly one code cell tagged `setup`, found 0"):
        address.rewrite_all(course)


def test_the_setup_cell_on_colab(tmp_path, monkeypatch):
    """Run the cell in IPython as on Colab: a clone is made, entered, and only what Colab lacks is asked for."""
    import subprocess
    import types

    from IPython.core.interactiveshell import InteractiveShell

    origin, target = tmp_path / "origin", tmp_path / "content"
    lessons = origin / "course_utils" / "lessons"
    lessons.mkdir(parents=True)
    for folder in (lessons.parent, lessons):
        (folder / "__init__.py").write_text("")
    (lessons / "setup.py").write_text("def setup():\n    print('ready')\n")
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run([*git, "init", "-q", "-b", "main"], cwd=origin, check=True)
    subprocess.run([*git, "add", "."], cwd=origin, check=True)
    subprocess.run([*git, "commit", "-q", "-m", "x"], cwd=origin, check=True)
    target.mkdir()
    config = {"repository": origin.as_uri(), "branch": "main", "colab_installs": ["evaluate", "sacrebleu"]}
    cell = setup_cell(config).replace("/content/origin", str(target / "course"))

    monkeypatch.chdir(target)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setitem(sys.modules, "google.colab", types.ModuleType("google.colab"))
    for name in [name for name in sys.modules if name.split(".")[0] == "course_utils"]:
        monkeypatch.delitem(sys.modules, name)
    shell, asked = InteractiveShell(), []
    shell.register_magic_function(asked.append, magic_name="pip")
    for _ in range(2):   # running the cell again clones and installs nothing more
        result = shell.run_cell(cell)
        assert result.success, result.error_in_exec
    assert Path.cwd() == target / "course"
    assert asked == ["install -q evaluate sacrebleu"]


# Environment ------------------------------------------------------------------------------------------------------------

def test_the_stamp_follows_the_lists_and_not_their_comments(tmp_path):
    path = tmp_path / "requirements.txt"
    path.write_text("torch>=2.6\n# note\n", encoding="utf-8")
    first = prepare.fingerprint([str(path)])
    path.write_text("\ntorch>=2.6   # other note\n", encoding="utf-8")
    assert prepare.fingerprint([str(path)]) == first
    path.write_text("torch>=2.7\n", encoding="utf-8")
    assert prepare.fingerprint([str(path)]) != first


def test_an_environment_counts_as_installed_only_with_its_stamp_and_interpreter(tmp_path):
    bin_folder = Path(prepare.python_of(str(tmp_path))).parent
    bin_folder.mkdir()
    (tmp_path / prepare.STAMP).write_text("abc\n", encoding="utf-8")
    assert not prepare.is_installed(str(tmp_path), "abc")
    Path(prepare.python_of(str(tmp_path))).symlink_to(sys.executable)
    assert prepare.is_installed(str(tmp_path), "abc")
    assert not prepare.is_installed(str(tmp_path), "other")


def test_an_old_python_is_told_what_to_do(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["prepare.py"])
    monkeypatch.setattr(sys, "version_info", (3, 9, 1))
    with pytest.raises(SystemExit, match=r"needs Python 3\.11 or newer; this is Python 3\.9.*\n.*PYTHON="):
        prepare.main()
