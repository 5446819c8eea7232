"""What the checks of all lessons share: how an exercise that is open or wrong shows itself in a notebook.

A check is called ``check_<lesson>_<what>``. It knows the answer from an independent computation, tries several shapes, prints
a tick when all is well, and otherwise asserts with a message that names the likely mistake. A traceback would end in the
check's own source, expected answers included; `check` turns it into one line.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable

# What a wrong return value makes of a check's own lines. A missing file or package is no mistake of the learner.
UNUSABLE = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)


class _OneLine(Exception):
    """Shown by IPython as its message alone."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


class ExerciseNotSolved(_OneLine, NotImplementedError):
    """The function still is the lesson's stub."""


class ExerciseWrong(_OneLine, AssertionError):
    """The function returned something else than the exercise asks for; the message says what."""


def passed(what: str) -> None:
    """Say that all is well."""
    print(f"✓ {what}")


def check(function: Callable) -> Callable:
    """Make ``function(learners_function)`` report in one line what is wrong.

    Raises ExerciseNotSolved where the learner's function raises NotImplementedError itself, and ExerciseWrong where the check
    fails. An error that comes up inside the learner's function passes through with the learner's lines and no others.
    """

    @functools.wraps(function)
    def checked(answer: Callable) -> None:
        __tracebackhide__ = True   # IPython leaves this frame out
        try:
            return function(answer)
        except Exception as error:
            inside = _frames_from(answer, error)
            name, said = getattr(answer, "__name__", "your function"), str(error).partition("\n")[0]
            if inside and isinstance(error, NotImplementedError) and inside.tb_next is None:
                problem = ExerciseNotSolved(f"not solved yet: write {name}, run its cell, then this one")
            elif inside:
                problem = error.with_traceback(inside)
            elif isinstance(error, AssertionError):
                problem = ExerciseWrong(said)
            elif isinstance(error, UNUSABLE):
                problem = ExerciseWrong(f"the check cannot use what {name} returned: {type(error).__name__}, {said}")
            else:
                raise
        raise problem from None

    return checked


def _frames_from(answer: Callable, error: Exception):
    """The error's traceback from the learner's function on; None where that function was not running."""
    code, step = getattr(inspect.unwrap(answer), "__code__", None), error.__traceback__
    while step is not None and step.tb_frame.f_code is not code:
        step = step.tb_next
    return step
