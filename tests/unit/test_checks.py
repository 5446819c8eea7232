"""Every check of the exercises: it fails on the lesson's stub and on plausible wrong answers, and passes on the
lesson's own solution."""

import importlib
import re
import traceback
from functools import cache
from pathlib import Path

import pytest
import torch

from course_utils.lessons.checks import ExerciseNotSolved, ExerciseWrong, check, passed
from course_utils.lessons.setup import repository_root

LESSONS = ("01", "02", "03", "04", "05", "06", "07", "08", "09")
MODULES = [importlib.import_module(f"course_utils.lessons.checks_{number}") for number in LESSONS]
CHECKS = {name: value for module in MODULES for name, value in vars(module).items() if name.startswith("check_")}


@cache
def lesson(number):
    return next((repository_root() / "notebooks").glob(f"{number}_*.py")).read_text(encoding="utf-8")


def define(code, name):
    scope = {"torch": torch}
    exec(code, scope)
    return scope[name]


def exercise(check):
    """"check_02_cost" -> ("02", "cost")."""
    _, number, name = check.split("_", 2)
    return number, name


def stub(check):
    """The function as the lesson's cell leaves it for the learner."""
    number, name = exercise(check)
    cells = re.split(r"^# %%.*\n", lesson(number), flags=re.MULTILINE)
    return define(next(cell for cell in cells if f"def {name}(" in cell and "NotImplementedError" in cell), name)


def solution(check):
    """The function as the lesson's folded solution defines it: the last of that name, where the exercise shows one with bugs."""
    number, name = exercise(check)
    text = re.sub(r"^# ?", "", lesson(number), flags=re.MULTILINE)
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    return define([block for block in blocks if f"def {name}(" in block][-1], name)


@pytest.mark.parametrize("check", CHECKS)
def test_stub_fails(check):
    with pytest.raises((ExerciseNotSolved, ExerciseWrong)) as caught:
        CHECKS[check](stub(check))
    shown = caught.value._render_traceback_()
    assert len(shown) == 1 and "\n" not in shown[0]


@pytest.mark.parametrize("check", CHECKS)
def test_solution_passes(check, capsys):
    CHECKS[check](solution(check))
    assert "✓" in capsys.readouterr().out


# ---- what a learner sees

@check
def check_00_half(half):
    """Stands for all checks."""
    assert half(4) == 2, "half of 4 is 2"
    assert half(1) + 0.5 == 1, "half of 1 is no whole number"
    passed("half")


def shown(answer):
    """The lines that IPython prints when `check_00_half(answer)` is run."""
    with pytest.raises(Exception) as caught:
        check_00_half(answer)
    error = caught.value
    if hasattr(error, "_render_traceback_"):
        return error._render_traceback_()
    visible = [frame for frame, _ in traceback.walk_tb(error.__traceback__) if not frame.f_locals.get("__tracebackhide__")]
    return [frame.f_code.co_name for frame in visible][1:] + [str(error)]   # without this function


def test_a_right_answer_prints_a_tick(capsys):
    check_00_half(lambda number: number / 2)
    assert capsys.readouterr().out == "✓ half\n"


def test_a_stub_and_a_wrong_answer_are_one_line():
    def todo(number):
        raise NotImplementedError

    assert len(shown(todo)) == 1 and "not solved yet" in shown(todo)[0] and "todo" in shown(todo)[0]
    assert shown(lambda number: number) == ["half of 4 is 2"]


def test_an_unusable_answer_is_one_line():
    (line,) = shown(lambda number: 2 if number == 4 else None)
    assert "cannot use" in line and "NoneType" in line


def test_an_error_in_the_answer_shows_the_answers_lines_and_no_others():
    def helper(number):
        return [][number]

    def answer(number):
        return helper(number)

    assert shown(answer) == ["answer", "helper", "list index out of range"]

    def unfinished_library(number):
        def library():
            raise NotImplementedError("no kernel for this device")
        return library()

    assert shown(unfinished_library) == ["unfinished_library", "library", "no kernel for this device"]


def test_a_missing_file_of_the_course_is_not_blamed_on_the_answer():
    @check
    def check_00_files(answer):
        Path("no such file").read_text()

    with pytest.raises(FileNotFoundError):
        check_00_files(lambda: None)


# ---- wrong answers, by lesson

@pytest.mark.parametrize(("check", "wrong", "hint"), [
])
def test_wrong_answers_are_told_what_is_wrong(check, wrong, hint):
    with pytest.raises(AssertionError, match=hint):
        CHECKS[check](wrong)
