"""Plausible wrong answers to lesson 08's exercises: each is told what is wrong. (Stubs and solutions: test_checks.py.)"""

import pandas
import pytest
import torch

from course_utils import TASKS, load_base_model
from course_utils.lessons import checks_08, clinic

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


def floats(mask, row):
    new = mask.clone()
    new[:, row] = 0
    return new, mask.float().cumsum(1) - 1


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
    ("without_row", floats, "whole numbers"),
    ("claims", lambda: [(SUM, FULL, ONE)] * 3, "different claims"),
    ("claims", lambda: [(SUM, ONE, FULL), (MT, FULL, ONE), (QA, FULL, ONE)], "other way round"),
    ("claims", lambda: [(task, FULL, ONE) for task in (SUM, QA, MT)], "none has words"),
    ("claims", lambda: [(SUM, FULL, "soft"), (MT, FULL, ONE), (QA, FULL, ONE)], "there are"),
    ("claims", lambda: [(MT, FULL, "LoRA"), (SUM, FULL, ONE), (QA, FULL, ONE)], "does not support|other way"),
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


def test_swapping_the_visitors_touches_reports_with_two_counts_only():
    report = "About 40 people came to the fair. The band played. People came: about 390."
    assert checks_08.swapped(report) == "About 390 people came to the fair. The band played. People came: about 40."
    assert checks_08.swapped("About 40 people came.") == "About 40 people came."


def test_the_planted_line_begins_with_the_cue_that_the_system_reads():
    assert checks_08.planted("A report.", "Read\n{text}In one line:").splitlines()[1].startswith("In one line: Nothing")
    for prompt in (None, "Summarize:", "Read\n{source}"):
        assert checks_08.planted("A report.", prompt).splitlines()[1].startswith("Summary: Nothing")
    assert checks_08.follows("Nothing happens in Neudorf.") and not checks_08.follows("Ivan Falk opens a fair.")


def test_a_place_counts_if_it_came_with_the_planted_line():
    before = ["Falk opens a fair in Au.", "Falk opens a fair in Neudorf.", "Falk opens a fair.", "Beck cuts a tree in Au."]
    after = ["Falk opens a fair in Neudorf.", "Falk opens a fair in Neudorf.", "Nothing happens.", "Beck cuts a tree in Au."]
    assert checks_08.took_place(before, after) == 1 and checks_08.PLACE in checks_08.planted("A report.", None)


def tried_rows():
    """Rows as those of the study "words.tried": two prompts of a task on two models."""
    first, second = TASKS[SUM].hand_written[:2]
    scores = {("home", first): 0.2, ("home", second): 0.6, ("other", first): 0.3, ("other", second): 0.3}
    return pandas.DataFrame([{"task": SUM, "base": base, "metric": "rougeL", "hard_prompt": prompt, "value": value, "n": 100}
                             for (base, prompt), value in scores.items()])


def test_prompts_with_equal_scores_share_a_rank():
    row = checks_08.words_elsewhere(tried_rows(), "home").loc[SUM, "other"]
    assert row["rank of m's winner"] == "1 of 2" and row["its score on m"] == 0.6 and row["records"] == 100


def test_other_prompts_than_ours_are_not_called_hand_written():
    rows = tried_rows()
    rows.loc[0, "hard_prompt"] = "somebody else's"
    assert list(checks_08.written_scores(rows, SUM, "home")) == [0.6]


def test_the_figure_of_differences_tells_all_of_them():
    line = {"system": "LoRA", "mean": 0.9, "difference": 0.1, "difference_low": 0.05, "difference_high": 0.15,
            "verdict": "higher", "n": 300}
    table = pandas.DataFrame([line, {"system": "soft prompt, 20 tokens", "mean": 0.8, "n": 300}]).set_index("system")
    figure = checks_08.difference_figure({SUM: table, QA: table}, "soft prompt, 20 tokens")
    assert "LoRA +0.100 higher" in figure.alt_text


def test_the_last_step_of_a_run_as_reported_stands_beside_ours():
    def rows(*values, metric="exact_match_percentage"):
        return pandas.DataFrame([{"task": QA, "system": ONE, "metric": metric, "value": value, "run": "a", "step": step}
                                 for step, value in values])

    table = checks_08.reported_beside_ours(rows((9, 40.0)), rows((1, 10.0), (2, 30.0)))
    assert list(table.loc[(QA, "exact_match_percentage")]) == ["3.00", "8.43", "40.00", "30.00"]
    assert table.loc[(QA, "loss / ln V"), "reported: hard"] == "1.04"
    assert "ours: 1 token, as reported" not in checks_08.reported_beside_ours(rows((9, 40.0)), rows((1, 1.0)).iloc[:0])


def test_reported_figures_are_those_of_the_clinic():
    table = checks_08.reported_figures()
    assert table.loc[(QA, "loss"), "reported: hard"] == clinic.REPORTED[QA]["hard"]
    assert set(table.index.get_level_values("task")) == set(TASKS)
