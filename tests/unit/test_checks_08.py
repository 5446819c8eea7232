"""Plausible wrong answers to lesson 08's exercises: each is told what is wrong. (Stubs and solutions: test_checks.py.)"""

import pytest
import torch

from course_utils import load_base_model
from course_utils.lessons import checks_08

SUM, QA, MT = "summarization", "question_answering", "translation"
FULL, ONE = "full fine-tuning", "soft prompt, 1 token"


def in_place(rows, order):
    rows.copy_(rows[:, order])
    return rows


def derived(mask, row):
    new = mask.clone()
    new[:, row] = 0
    return new, (new.cumsum(1) - 1).clamp(min=0)


def deleted(mask, row):
    new = torch.cat([mask[:, :row], mask[:, row + 1:]], 1)
    return new, (new.cumsum(1) - 1).clamp(min=0)


def changed(mask, row):
    mask[:, row] = 0
    return mask, torch.arange(mask.shape[1]).expand_as(mask)


def ones(mask, row):
    new = torch.ones_like(mask)
    new[:, row] = 0
    return new, torch.arange(mask.shape[1]).expand_as(mask)


@pytest.mark.parametrize(("name", "wrong", "hint"), [
    ("carry", lambda rows, order: rows.clone(), "as they were"),
    ("carry", lambda rows, order: rows[:, torch.argsort(order)], "other way round"),
    ("carry", lambda rows, order: rows.roll(1, 1), "not the rows"),
    ("carry", lambda rows, order: rows.T, "shape"),
    ("carry", in_place, "leave the given ones"),
    ("without_row", derived, "one place forward"),
    ("without_row", deleted, "shape"),
    ("without_row", changed, "clone it first"),
    ("without_row", ones, "another column"),
    ("without_row", lambda mask, row: mask.clone(), "two things"),
    ("claims", lambda: [(SUM, FULL, ONE)] * 3, "different claims"),
    ("claims", lambda: [(SUM, ONE, FULL), (MT, FULL, ONE), (QA, FULL, ONE)], "other way round"),
    ("claims", lambda: [(task, FULL, ONE) for task in (SUM, QA, MT)], "none has words"),
    ("claims", lambda: [(SUM, FULL, "soft"), (MT, FULL, ONE), (QA, FULL, ONE)], "there are"),
    ("claims", lambda: [(MT, FULL, "LoRA"), (SUM, FULL, ONE), (QA, FULL, ONE)], "does not support|other way"),
    ("fault", lambda: 5, "which model is inside"),
    ("fault", lambda: 2, "Is it used"),
    ("fault", lambda: 4, "which model"),
    ("fault", lambda: "3", "number"),
])
def test_wrong_answers_are_told_what_is_wrong(name, wrong, hint):
    with pytest.raises(AssertionError, match=hint):
        getattr(checks_08, f"check_08_{name}")(wrong)


@torch.no_grad()
def test_a_renumbered_model_computes_the_same():
    model, _ = load_base_model("course-gpt2-xs", device="cpu")
    order, ids = torch.randperm(model.config.n_embd), torch.arange(30)[None]
    assert torch.allclose(model(ids).logits, checks_08.renumbered(model, order)(ids).logits, atol=1e-3)


def test_rows_stay_nearest_to_their_words():
    model, _ = load_base_model("course-gpt2-xs", device="cpu")
    table, words = model.get_input_embeddings().weight.detach(), [5, 900, 77]
    rows = checks_08.StayNear(table, words)(torch.randn(3, table.shape[1]) * 10)
    assert checks_08.distances(rows, table).argmin(1).tolist() == words
