"""Lesson 02's checks: they fail on the stub and on a plausible wrong answer, and pass on the lesson's own solution."""

import re

import pytest
import torch

from course_utils import exercises
from course_utils.notebook import repository_root

LESSON = (repository_root() / "notebooks" / "02_soft_prompt_embedding.py").read_text(encoding="utf-8")


def solution(name):
    """The function as the lesson's folded solution defines it."""
    text = LESSON.replace("\n# ", "\n").replace("\n#\n", "\n\n")
    code = next(block for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if f"def {name}(" in block)
    scope = {"torch": torch}
    exec(code, scope)
    return scope[name]


def stub(*args):
    raise NotImplementedError


CHECKS = {"with_prompt": exercises.check_02_with_prompt, "cost": exercises.check_02_cost,
          "read_prompt": exercises.check_02_read_prompt}


@pytest.mark.parametrize("name", CHECKS)
def test_stub_fails_and_solution_passes(name, capsys):
    with pytest.raises(NotImplementedError):
        CHECKS[name](stub)
    CHECKS[name](solution(name))
    assert "✓" in capsys.readouterr().out


def behind(rows, embedded, mask):
    prompt = rows.expand(len(embedded), -1, -1)
    return torch.cat([embedded, prompt], dim=1), torch.cat([mask, mask.new_ones(prompt.shape[:2])], dim=1)


def old_mask(rows, embedded, mask):
    return torch.cat([rows.expand(len(embedded), -1, -1), embedded], dim=1), mask


@pytest.mark.parametrize(("check", "wrong", "hint"), [
    ("with_prompt", behind, "in front of the text"),
    ("with_prompt", old_mask, "grow with the inputs"),
    ("cost", lambda names, length, width: (length * width, 4 * length * width), "rows of its own"),
    ("cost", lambda names, length, width: (names * length * width, 2 * names * length * width), "4 bytes"),
    ("read_prompt", lambda rows, table: (rows @ table.T).argmax(-1), "divide both sides"),
    ("read_prompt", lambda rows, table: torch.cdist(rows, table).argmin(-1), "angles"),
])
def test_wrong_answers_are_told_what_is_wrong(check, wrong, hint):
    with pytest.raises(AssertionError, match=hint):
        CHECKS[check](wrong)
