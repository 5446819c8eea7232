"""Every check of `course_utils.exercises`: it fails on the lesson's stub and on plausible wrong answers, and passes on the
lesson's own solution."""

import re
from functools import cache

import numpy
import pytest
import torch

from course_utils import exercises
from course_utils.notebook import repository_root

CHECKS = {name: check for name, check in vars(exercises).items() if name.startswith("check_")}


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
    """The function as the lesson's folded solution defines it."""
    number, name = exercise(check)
    text = re.sub(r"^# ?", "", lesson(number), flags=re.MULTILINE)
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    return define(next(block for block in blocks if f"def {name}(" in block), name)


@pytest.mark.parametrize("check", CHECKS)
def test_stub_fails(check):
    with pytest.raises((NotImplementedError, AssertionError)):
        CHECKS[check](stub(check))


@pytest.mark.parametrize("check", CHECKS)
def test_solution_passes(check, capsys):
    CHECKS[check](solution(check))
    assert "✓" in capsys.readouterr().out


def prompt_behind(rows, embedded, mask):
    prompt = rows.expand(len(embedded), -1, -1)
    return torch.cat([embedded, prompt], dim=1), torch.cat([mask, mask.new_ones(prompt.shape[:2])], dim=1)


def old_mask(rows, embedded, mask):
    return torch.cat([rows.expand(len(embedded), -1, -1), embedded], dim=1), mask


def shared_words(prediction, reference):
    common = len(set(prediction) & set(reference))
    return 2 * common / (len(prediction) + len(reference)) if common else 0.0


def of_the_differences(differences, draws=2000, seed=0):
    return tuple(numpy.quantile(differences, [0.025, 0.975]))


def without_replacement(differences, draws=2000, seed=0):
    rng = numpy.random.default_rng(seed)
    return tuple(numpy.quantile([rng.permutation(differences).mean() for _ in range(draws)], [0.025, 0.975]))


@pytest.mark.parametrize(("check", "wrong", "hint"), [
    ("check_02_with_prompt", prompt_behind, "in front of the text"),
    ("check_02_with_prompt", old_mask, "grow with the inputs"),
    ("check_02_cost", lambda names, length, width: (length * width, 4 * length * width), "rows of its own"),
    ("check_02_cost", lambda names, length, width: (names * length * width, 2 * names * length * width), "4 bytes"),
    ("check_02_read_prompt", lambda rows, table: (rows @ table.T).argmax(-1), "divide both sides"),
    ("check_02_read_prompt", lambda rows, table: torch.cdist(rows, table).argmin(-1), "angles"),
    ("check_05_lead", lambda text, k: ". ".join(text.split(". ")[:k]), "marks that end a sentence"),
    ("check_05_lead", lambda text, k: re.split(r"(?<=[.?!]) ", text)[:k], "one text"),
    ("check_05_rouge_l", shared_words, "any order"),
    ("check_05_bootstrap_interval", of_the_differences, "far too wide"),
    ("check_05_bootstrap_interval", without_replacement, "too narrow"),
])
def test_wrong_answers_are_told_what_is_wrong(check, wrong, hint):
    with pytest.raises(AssertionError, match=hint):
        CHECKS[check](wrong)
