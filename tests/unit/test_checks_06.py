"""Plausible wrong answers to lesson 06's exercises: each is told what is wrong. (Stubs and solutions: test_checks.py.)"""

import pytest
import torch

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


def hide(model, ids, hidden, mask=True, softmax=True, cut=False, flip=False, last=-1):
    rows = [token for i, token in enumerate(ids) if not (cut and i in hidden)]
    keep = [1 if not mask or cut else int((i in hidden) == flip or i == len(rows) - 1) for i in range(len(rows))]
    with torch.no_grad():
        given = {"attention_mask": torch.tensor([keep]), "position_ids": torch.arange(len(rows))[None]}
        logits = model(torch.tensor([rows]), **given).logits[0, last]
    return logits.softmax(-1) if softmax else logits


def choose(**changes):
    right = {"take": "soft prompt, 20 tokens", "over": "soft prompt, 1 token", "metric": "exact_match", "claim": "higher"}
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
    ("choice", lambda: "soft prompt, 20 tokens", "return a dict"),
    ("choice", choose(over="soft prompt"), "there is no"),
    ("choice", choose(over="soft prompt, 20 tokens"), "between two systems"),
    ("choice", choose(metric="rougeL"), "metric must be"),
    ("choice", choose(claim="better"), "claim must be"),
    ("choice", choose(claim="lower"), "do not bear out"),
    ("choice", choose(claim="cannot be told apart"), "do not bear out"),
])
def test_wrong_answers_are_told_what_is_wrong(name, wrong, hint):
    with pytest.raises(AssertionError, match=hint):
        getattr(checks_06, f"check_06_{name}")(wrong)


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
