"""Plausible wrong answers to lesson 06's exercises: each is told what is wrong. (Stubs and solutions: test_checks.py.)"""

from types import SimpleNamespace

import numpy
import pytest
import torch

from course_utils import Study
from course_utils.lessons import checks_06
from course_utils.lessons.checks_06 import ORDERED, fact_places, kind_of_question


def log_probability(system, source, answer, mean=False, exp=False, sign=1, offset=None):
    """Of an answer; ``offset``: of the source the place where reading begins."""
    logits = system(input_ids=torch.tensor([source + answer])).logits[0].log_softmax(-1)
    start = len(logits) - len(answer) - 1 if offset is None else offset(source)
    each = torch.stack([logits[start + n][token] for n, token in enumerate(answer)])
    total = sign * (each.mean() if mean else each.sum())
    return total.exp() if exp else total


def without_the_end(system, source, answer):
    return log_probability(system, source, answer[:-1]) if len(answer) > 1 else 0.0


def hide(model, ids, hidden, mask=True, softmax=True, cut=False, replace=False, flip=False, last=-1):
    rows = [0 if replace and i in hidden else token for i, token in enumerate(ids) if not (cut and i in hidden)]
    keep = [1 if not mask or cut or replace else int((i in hidden) == flip or i == len(rows) - 1) for i in range(len(rows))]
    with torch.no_grad():
        given = {"attention_mask": torch.tensor([keep]), "position_ids": torch.arange(len(rows))[None]}
        logits = model(torch.tensor([rows]), **given).logits[0, last]
    return logits.softmax(-1) if softmax else logits


def choose(**changes):
    right = {"reader": "program", "metric": "exact_match", "take": "soft prompt, 20 tokens", "over": "soft prompt, 1 token",
             "claim": "higher", "because": "twenty rows are still a small file"}
    return lambda: right | changes


@pytest.mark.parametrize(("name", "wrong", "hint"), [
    ("order_of_facts", lambda: "full fine-tuning", "list of four names"),
    ("order_of_facts", lambda: ["soft prompt", *ORDERED[:3]], "unknown"),
    ("order_of_facts", lambda: [*ORDERED, ORDERED[0]], "twice"),
    ("order_of_facts", lambda: list(ORDERED[:3]), "is missing"),
    ("answer_log_probability", lambda *all: log_probability(*all, offset=lambda _: -len(all[2])), "own places"),
    ("answer_log_probability", lambda *all: log_probability(*all, offset=lambda i: len(i) - 1), "move by its length"),
    ("answer_log_probability", lambda *all: log_probability(*all, mean=True), "mean over the tokens"),
    ("answer_log_probability", lambda *all: log_probability(*all, exp=True), "logarithm"),
    ("answer_log_probability", lambda *all: log_probability(*all, sign=-1), "is a loss"),
    ("answer_log_probability", without_the_end, "last token is missing"),
    ("without", lambda *given: hide(*given, mask=False), "still matters"),
    ("without", lambda *given: hide(*given, cut=True), "took the tokens out"),
    ("without", lambda *given: hide(*given, flip=True), "hid everything else"),
    ("without", lambda *given: hide(*given, softmax=False), "softmax"),
    ("without", lambda *given: hide(*given, last=slice(None)), "probabilities of the next token"),
    ("without", lambda *given: hide(*given, replace=True), "do not replace"),
    ("choice", lambda: "soft prompt, 20 tokens", "return a dict"),
    ("choice", choose(over="soft prompt"), "there is no"),
    ("choice", choose(over="soft prompt, 20 tokens"), "between two systems"),
    ("choice", choose(reader="museum"), "reader must be"),
    ("choice", choose(metric="rougeL"), "metric must be"),
    ("choice", choose(metric="f1"), "does not fit"),
    ("choice", choose(reader="person", metric="exact_match_percentage"), "does not fit"),
    ("choice", choose(because="cheaper"), "because: say"),
    ("choice", choose(claim="better"), "claim must be"),
    ("choice", choose(claim="lower"), "do not bear out"),
    ("choice", choose(claim="cannot be told apart"), "do not bear out"),
])
def test_wrong_answers_are_told_what_is_wrong(name, wrong, hint):
    with pytest.raises(AssertionError, match=hint):
        getattr(checks_06, f"check_06_{name}")(wrong)


def test_any_order_passes_and_is_compared_with_the_measured_one(capsys):
    for order in (ORDERED, tuple(reversed(ORDERED))):
        checks_06.check_06_order_of_facts(lambda order=order: list(order))
    assert capsys.readouterr().out.count("pairs that the test can tell apart") == 2


def test_only_pairs_that_differ_by_more_than_chance_count():
    shares = {"a": numpy.full(50, 90.0), "b": numpy.arange(50) % 2 * 100.0, "c": (numpy.arange(50) + 1) % 2 * 100.0}
    assert checks_06.pairs_in_order(["a", "b", "c"], shares) == (2, 2)
    assert checks_06.pairs_in_order(["c", "b", "a"], shares) == (0, 2)


@pytest.mark.parametrize(("text", "right"), [("It was at the zoo.", True), ("zoo", True), ("at the zoos", False), ("", False)])
def test_a_fact_counts_in_any_style(text, right):
    assert checks_06.holds_fact(text, ["at the zoo"]) == right


@pytest.mark.parametrize(("words", "said"), [
    ([], "Not measured"), (["higher", "higher"], "Supported"), (["higher", "lower"], "Not supported"),
    (["higher", "cannot be told apart"], "Cannot be told apart")])
def test_a_claim_is_supported_only_if_all_verdicts_say_so(words, said):
    assert checks_06.outcome(*(SimpleNamespace(verdict=word) for word in words)).startswith(said)


def test_runs_with_the_reported_settings_are_read_as_they_come(tmp_path, monkeypatch):
    study = Study("as_reported", tmp_path)
    monkeypatch.setattr(checks_06, "results", lambda name: study)
    assert checks_06.as_reported_log().empty and "no results yet" in checks_06.as_reported_in_words()
    row = {"task": "question_answering", "base": "course-gpt2-m", "system": "soft prompt, 1 token", "seed": 0, "n": 100}
    rows = [row | {"split": "validation", "step": step, "metric": metric, "value": value / step}
            for step in (10, 20) for metric, value in (("loss", 20), ("exact_match_percentage", 500), ("exact_match", 300))]
    rows += [row | {"split": "test", "step": 20, "metric": metric, "value": 2.0}
             for metric in ("loss", "exact_match_percentage", "exact_match")]
    study.add("a", {}, rows + [row | {"split": "train", "step": None, "metric": "batches_per_second", "value": 7.5}])
    assert checks_06.as_reported_log()["loss"].tolist() == [2, 1]
    said = checks_06.as_reported_in_words()
    assert "1 seed)" in said and "2.00 to 1.00 in 2 epochs" in said and "7.5 batches/s" in said


QUESTIONS = {
    "How many people watched the work?": "crowd", "How much did the carving cost?": "cost", "How long did it last?": "duration",
    "How did Otto Berg feel after the felling?": "mood", "Who helped Otto Berg?": "companion", "Who paid for it?": "payer",
    "Who had the idea for it?": "idea", "Who does the caravan belong to?": "owner", "Who had it belonged to before?": "owner",
    "Who sold it?": "who", "What did Otto Berg get for the talk?": "reward", "What does Otto Berg want to do next?": "plan",
    "What did Otto Berg sell?": "what", "Where did he go to?": "where", "When did he go?": "when", "Why did he go?": "why"}


@pytest.mark.parametrize(("question", "kind"), QUESTIONS.items())
def test_each_of_the_fifteen_kinds_is_known(question, kind):
    assert kind_of_question(question) == kind


def test_the_places_of_a_fact_are_those_of_its_tokens(tokenizer):
    text = "About 20 people watched. It took 200 hours."
    ids = tokenizer(text)["input_ids"]
    for phrase in ("20", "people", "200 hours"):
        assert phrase in tokenizer.decode([ids[place] for place in fact_places(tokenizer, text, phrase)])
    with pytest.raises(ValueError, match="does not stand"):
        fact_places(tokenizer, text, "Otto")
