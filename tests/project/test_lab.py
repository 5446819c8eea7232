"""`make lab`: copies are made, kept up to date, and never overwritten once they were changed."""

import subprocess
import sys
import tomllib

import pytest

from tools import lab
from tools.lessons import ROOT

NAME = "05_summarization.ipynb"


@pytest.fixture
def root(tmp_path):
    """A repository of two lessons, which have been copied once."""
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / NAME).write_text("first", encoding="utf-8")
    (tmp_path / "notebooks" / "06_question_answering.ipynb").write_text("other", encoding="utf-8")
    assert lab.copy_lessons(tmp_path) == []
    return tmp_path


def release(root, text):
    (root / "notebooks" / NAME).write_text(text, encoding="utf-8")


def solve(root, text, name=NAME):
    (root / lab.FOLDER / name).write_text(text, encoding="utf-8")


def copies(root):
    """{name: text} of this lesson's copies."""
    return {path.name: path.read_text(encoding="utf-8") for path in (root / lab.FOLDER).glob("05*.ipynb")}


def test_every_lesson_is_copied(root):
    assert {path.name for path in (root / lab.FOLDER).glob("*.ipynb")} == {NAME, "06_question_answering.ipynb"}
    assert copies(root) == {NAME: "first"}


def test_an_untouched_copy_follows_its_lesson_and_a_missing_one_comes_back(root):
    release(root, "second")
    assert lab.copy_lessons(root) == [] and copies(root) == {NAME: "second"}
    (root / lab.FOLDER / NAME).unlink()
    assert lab.copy_lessons(root) == [] and copies(root) == {NAME: "second"}


def test_an_edited_copy_stays(root):
    solve(root, "solved")
    for _ in range(2):
        assert lab.copy_lessons(root) == [] and copies(root) == {NAME: "solved"}


def test_a_new_lesson_is_put_beside_an_edited_copy_and_said_once(root):
    solve(root, "solved")
    release(root, "second")
    (note,) = lab.copy_lessons(root)
    assert NAME in note and "05_summarization_new.ipynb" in note and "\n" not in note
    assert copies(root) == {NAME: "solved", "05_summarization_new.ipynb": "second"}
    assert lab.copy_lessons(root) == []
    release(root, "third")   # the untouched new one follows
    assert len(lab.copy_lessons(root)) == 1
    assert copies(root) == {NAME: "solved", "05_summarization_new.ipynb": "third"}


def test_a_new_one_that_was_edited_or_deleted_is_left_so(root):
    solve(root, "solved")
    release(root, "second")
    lab.copy_lessons(root)
    solve(root, "solved again", "05_summarization_new.ipynb")
    assert lab.copy_lessons(root) == []
    release(root, "third")
    lab.copy_lessons(root)
    expected = {NAME: "solved", "05_summarization_new.ipynb": "solved again", "05_summarization_new2.ipynb": "third"}
    assert copies(root) == expected
    (root / lab.FOLDER / "05_summarization_new2.ipynb").unlink()
    assert lab.copy_lessons(root) == [] and "05_summarization_new2.ipynb" not in copies(root)


@pytest.mark.parametrize("record", [None, "", "{", "[1]"])
def test_without_its_record_no_copy_is_overwritten(root, record):
    solve(root, "solved")
    path = root / lab.FOLDER / lab.RECORD
    path.unlink() if record is None else path.write_text(record, encoding="utf-8")
    lab.copy_lessons(root)
    assert copies(root) == {NAME: "solved", "05_summarization_new.ipynb": "first"}


def test_a_run_that_is_cut_short_loses_nothing(root, monkeypatch):
    release(root, "second")
    write = lab.write_in_one_step
    monkeypatch.setattr(lab, "write_in_one_step", lambda path, content: write(path, content) if path.name == NAME else 1 / 0)
    with pytest.raises(ZeroDivisionError):
        lab.copy_lessons(root)   # the lesson is copied, the record is not written
    monkeypatch.undo()
    assert lab.copy_lessons(root) == [] and copies(root) == {NAME: "second"}
    assert lab.read_record(root / lab.FOLDER)[NAME] == lab.checksum(root / "notebooks" / NAME)
    assert not [path.name for path in (root / lab.FOLDER).iterdir() if path.suffix == ".tmp"]


def test_the_command_copies_without_starting_jupyter(root):
    release(root, "second")
    command = [sys.executable, str(ROOT / "tools" / "lab.py"), "--root", str(root), "--no-start"]
    run = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root)
    assert lab.FOLDER in run.stdout and copies(root) == {NAME: "second"}


def test_jupyterlab_opens_the_first_copy_with_the_options_that_were_given(root, monkeypatch):
    from jupyterlab.labapp import LabApp

    given = []
    monkeypatch.setattr(LabApp, "launch_instance", given.extend)
    monkeypatch.setattr(sys, "argv", ["lab.py", "--root", str(root), "--no-browser", "--port=9000"])
    monkeypatch.chdir(root)
    assert lab.main() == 0
    assert given[0].endswith(f"/lab/tree/{lab.FOLDER}/{NAME}") and {"--no-browser", "--port=9000"} <= set(given)


def test_a_repository_without_lessons_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="no notebooks"):
        lab.copy_lessons(tmp_path)


def test_git_ruff_and_pytest_leave_the_copies_alone():
    assert f"/{lab.FOLDER}/" in (ROOT / ".gitignore").read_text(encoding="utf-8").split()
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    assert lab.FOLDER in tools["ruff"]["exclude"] and lab.FOLDER in tools["pytest"]["ini_options"]["norecursedirs"]
