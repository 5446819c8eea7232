"""Lesson 06, question answering: the checks of its exercises, and what the lesson uses without showing it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy
import pandas
import torch

from ..metrics import normalise
from ..records import load_task_data
from ..results import stored as results
from ..tasks import get_task
from ..verdicts import TestRuns, verdict
from .charts import resampled_interval
from .checks import check, passed
from .clinic import REPORTED, number_of
from .drawing import GAP, INK, KINDS, PAD, ROW, SIZE, SOFT_INK, WIDTH, Kind, Page, readable, text_width

TASK = "question_answering"

# ---- stored results


def stored_answers(study: str, base: str) -> dict[str, list[list[str]]]:
    """system -> for each of its seeds the answers to the test questions; without what has no stored answers."""
    return TestRuns(results(study), TASK, base).answers()


# What the original report prints for questions: the log of its one-token prompt on validation, and its hard prompt.
ORIGINAL = pandas.DataFrame(
    {"loss": REPORTED[TASK]["epochs"], "shared tokens, %": [2.7082, 2.2713, 2.3199, 2.3833, 3.0007],
     "training batches/s": [7.66, 8.25, 8.35, 8.36, 8.39]}, index=pandas.RangeIndex(1, 6, name="epoch"))
ORIGINAL_HARD = {"loss": REPORTED[TASK]["hard"], "shared tokens, %": REPORTED[TASK]["hard set %"]}
NAMES = {"loss": "loss", "exact_match_percentage": "shared tokens, %", "exact_match": "exact match, %"}


def as_reported_rows() -> pandas.DataFrame:
    """Rows of our runs with the reported settings; none where nothing was measured yet."""
    table = results("as_reported").table()
    return table[(table["task"] == TASK) & (table["base"] == "course-gpt2-m")]


def as_reported_log() -> pandas.DataFrame:
    """Those runs on validation: an epoch a row, means over seeds; no rows where nothing was measured yet."""
    table = as_reported_rows()
    table = table[(table["split"] == "validation") & table["step"].notna()]
    wide = table.pivot_table(index="step", columns="metric", values="value")
    wide = wide.reindex(columns=list(NAMES)).rename(columns=NAMES)
    return wide.set_axis(pandas.RangeIndex(1, len(wide) + 1, name="epoch"))


def as_reported_in_words() -> str:
    """What those runs have on the test, their loss curve and their speed."""
    rows, log = as_reported_rows(), as_reported_log()
    test = rows[rows["split"] == "test"].groupby("metric")["value"].mean()
    if test.empty or log.empty:
        return "Our run with the reported settings has no results yet."
    seeds, speed = number_of(rows["seed"].nunique(), "seed"), rows[rows["metric"] == "batches_per_second"]["value"]
    first, last = log["loss"].iloc[[0, -1]]
    return (
        f"Our run with the reported settings ({seeds}): validation loss from {first:.2f} to {last:.2f} "
        f"in {len(log)} epochs; on the test loss {test['loss']:.2f}, shared tokens {test['exact_match_percentage']:.1f}%, exact "
        f"match {test['exact_match']:.1f}%" + (f"; {speed.mean():.1f} batches/s" if len(speed) else "") + ".")


def outcome(*verdicts) -> str:
    """What verdicts say of a claim that the first system of each scores higher: all must."""
    found = {each.verdict for each in verdicts}
    return ("Not measured here" if not found else "Supported here" if found == {"higher"}
            else "Not supported here" if "lower" in found else "Cannot be told apart here")


# ---- what is asked

KINDS_OF_QUESTION = (
    (r"How long", "duration"), (r"How much", "cost"), (r"How many", "crowd"), (r"How did", "mood"), (r"Who had the idea", "idea"),
    (r"Who paid", "payer"), (r"Who (helped|accompanied)", "companion"), (r"Who (had|does|do) .*belong", "owner"),
    (r"What does .* want to do next", "plan"), (r"What did .* get for", "reward"))


def kind_of_question(question: str) -> str:
    """Which of the gazette's fifteen kinds a question is of; the question word where it is none of the special ones."""
    return next((kind for start, kind in KINDS_OF_QUESTION if re.match(start, question)), question.split()[0].lower())


# ---- where an answer looks


def fact_places(tokenizer, text: str, phrase: str) -> list[int]:
    """The places of the tokens of ``text`` that hold the first ``phrase`` in it."""
    start = text.find(phrase)
    if start < 0:
        raise ValueError(f"{phrase!r} does not stand in the text")
    spans = tokenizer(text, return_offsets_mapping=True, add_special_tokens=False)["offset_mapping"]
    return [place for place, (begin, end) in enumerate(spans) if begin < start + len(phrase) and end > start]


def reading_picture(tokenizer, ids: Sequence[int], fact: Sequence[int], weights: Mapping[str, torch.Tensor]):
    """The tokens of a source, once for each of ``weights``: name -> attention on them, [text]; darker: more.

    ``fact``: the places of the fact, which get a green frame.
    """
    page, words = Page(), [readable(tokenizer, token) for token in ids]
    y, shares = page.top, {name: float(each[list(fact)].sum()) for name, each in weights.items()}
    for name, each in weights.items():
        page.text(0, y + 0.08, f"{name}: {100 * shares[name]:.0f}% of the attention lies on the fact", 9.5, weight="bold")
        x, y = 0.0, y + 0.24
        for i, word in enumerate(words):
            width = text_width(word, SIZE - 1) + PAD
            if x + width > WIDTH:
                x, y = 0.0, y + ROW + 0.03
            strength = min(1.0, float(each[i])) ** 0.5
            shade = "#" + "".join(f"{round(255 - strength * (255 - int(tone, 16))):02X}" for tone in ("D5", "5E", "00"))
            look = Kind(shade, KINDS["target"].edge if i in fact else "#E3E3E3", INK)
            box = page.box(x, y, width, ROW - 0.02, word, look, SIZE - 1, "fact" if i in fact else "token")
            box.set_linewidth(2.2 if i in fact else 0.6)
            x += width + GAP / 2
        y += ROW + 0.16
    page.box(0, y, 0.18, 0.15, kind=Kind("white", KINDS["target"].edge))
    page.text(0.25, y + 0.08, "the fact that is asked for", SIZE, SOFT_INK)
    page.box(2.3, y, 0.18, 0.15, kind=Kind("#E68A47", "#E3E3E3"))
    page.text(2.55, y + 0.08, "darker: more attention from the last token", SIZE, SOFT_INK)
    said = "; ".join(f"{name}: {100 * share:.0f}%" for name, share in shares.items())
    return page.finish(y + 0.25, f"The tokens of a report and its question, shaded by attention. On the fact lies {said}.")


# ---- checks

ORDERED = ("hard prompt, reported", "hard prompt, best written", "soft prompt, 20 tokens", "full fine-tuning")


def holds_fact(text: str, answers: Sequence[str]) -> bool:
    """Whether the words of an accepted answer stand in ``text``; a word such as "in" in front of the fact may be missing."""
    wanted = [re.sub(r"^(because|in|on|at|to|from|for) ", "", normalise(answer)) for answer in answers]
    return any(f" {each} " in f" {normalise(text)} " for each in wanted)


def measured_facts() -> dict[str, numpy.ndarray]:
    """System of `ORDERED` -> for each test question the percentage of its seeds that have the right fact, [records]."""
    test, answers = load_task_data(get_task(TASK))["test"], stored_answers("main", "course-gpt2-m")
    return {name: 100 * numpy.mean([[holds_fact(text, record["answers"]) for text, record in zip(seed, test, strict=True)]
                                    for seed in answers[name]], 0) for name in ORDERED}


def pairs_in_order(found: Sequence[str], shares: Mapping[str, numpy.ndarray]) -> tuple[int, int]:
    """How many pairs of systems stand in the measured order, and how many pairs can be told apart at all."""
    right = apart = 0
    for i, first in enumerate(found):
        for second in found[i + 1:]:
            low, high = resampled_interval(shares[first] - shares[second])
            right, apart = right + (low > 0), apart + (low > 0 or high < 0)
    return right, apart


@check
def check_06_order_of_facts(order_of_facts) -> None:
    """``order_of_facts()`` is a guess: all four systems, the one with the most right facts first. Any order passes."""
    found = order_of_facts()
    assert isinstance(found, list | tuple), f"return a list of four names, got {found!r}"
    unknown = [name for name in found if name not in ORDERED]
    assert not unknown, f"unknown: {unknown[0]!r}; the names are {', '.join(map(repr, ORDERED))}"
    assert len(set(found)) == len(found), "a system stands there twice: each has one place"
    missing = [name for name in ORDERED if name not in found]
    assert not missing, f"{missing[0]!r} is missing: order all four"
    shares = measured_facts()
    right, apart = pairs_in_order(found, shares)
    order = sorted(shares, key=lambda name: -shares[name].mean())
    passed(f"of the {apart} pairs that the test can tell apart, {right} stand in your order; measured: "
           + " > ".join(f"{name} {shares[name].mean():.1f}%" for name in order))


def tiny_system(length: int, seed: int):
    """A soft prompt of random rows in front of a tiny GPT-2 of random weights."""
    from transformers import GPT2Config, GPT2LMHeadModel

    from ..soft_prompt import GPT2WithSoftPrompt

    torch.manual_seed(seed)
    config = GPT2Config(vocab_size=37, n_positions=32, n_embd=16, n_layer=2, n_head=2, initializer_range=0.6)
    return GPT2WithSoftPrompt(GPT2LMHeadModel(config).eval(), ["[T]"], prompt_length=length)


@check
def check_06_answer_log_probability(answer_log_probability) -> None:
    """``answer_log_probability(system, source, answer)`` against one token at a time."""
    for length, source, answer in ((3, [4, 9, 1, 22, 7], [5, 30, 0]), (1, [8, 2], [11]), (6, [3, 3, 12, 31], [3, 12, 31, 9, 2])):
        system, each = tiny_system(length, seed=length), []
        with torch.no_grad():
            for n, token in enumerate(answer):
                logits = system(input_ids=torch.tensor([source + answer[:n]])).logits[0, -1]
                each.append(float(logits.log_softmax(-1)[token]))
            found = float(answer_log_probability(system, list(source), list(answer)))
            logs = system(input_ids=torch.tensor([source + answer])).logits[0].log_softmax(-1)

        def read_at(start, logs=logs, answer=answer):
            return sum(float(logs[start + n][token]) for n, token in enumerate(answer))

        wanted, facts = sum(each), f"{length} virtual tokens, {len(source)} of the source, {len(answer)} of the answer"
        hints = {
            wanted / len(answer): "that is the mean over the tokens; the whole answer needs their sum",
            float(numpy.exp(wanted)): "that is a probability; return its logarithm",
            -wanted: "that is a loss; a log-probability is negative",
            read_at(length + len(source)): "these are the logits at the answer's own places; those one place before predict it",
            read_at(len(source) - 1): "the prompt's rows stand in front, so all places move by its length",
            sum(each[:-1]): "the last token is missing", sum(each[1:]): "the first token of the answer is missing"}
        right = abs(found - wanted) < 1e-3
        hint = next((text for value, text in hints.items() if abs(found - value) < 1e-3), "add up the answer's log-probabilities")
        assert right, f"{facts}: expected {wanted:.3f}, you get {found:.3f}; {hint}"
    passed("log-probability of a whole answer behind a soft prompt")


@check
def check_06_without(without) -> None:
    """``without(model, ids, hidden)``: probabilities of the next token [vocabulary] while nobody may look at ``hidden``."""
    model = tiny_system(1, seed=9).base_model
    ids, hidden = [4, 9, 1, 22, 7, 18, 30], range(2, 5)

    def ask(rows, hide):
        given = {"attention_mask": torch.tensor([[int(i not in hide) for i in range(len(rows))]]),
                 "position_ids": torch.arange(len(rows))[None]}
        with torch.no_grad():
            return model(torch.tensor([rows]), **given).logits[0, -1].softmax(-1)

    with torch.no_grad():
        plain, cut = ask(ids, ()), ask([token for i, token in enumerate(ids) if i not in hidden], ())
        only = ask(ids, [i for i in range(len(ids) - 1) if i not in hidden])
        changed = [4, 9, 33, 2, 12, 18, 30]
        found, other = (torch.as_tensor(without(model, rows, hidden)).squeeze() for rows in (list(ids), changed))
        nothing = torch.as_tensor(without(model, list(ids), range(0))).squeeze()
    assert found.shape == plain.shape, f"return probabilities of the next token, [{len(plain)}], got {list(found.shape)}"
    assert abs(float(found.sum()) - 1) < 1e-4, "probabilities add up to 1: take the softmax of the last token's logits"
    assert not torch.allclose(found, cut, atol=1e-5), "you took the tokens out, so those behind moved: hide them, keep positions"
    assert not torch.allclose(found, only, atol=1e-5), "you hid everything else: the mask is 1 where the model may look"
    assert torch.allclose(found, other, atol=1e-5), "what stands at the hidden places still matters: set their mask to 0"
    assert torch.allclose(nothing, plain, atol=1e-5), "with nothing hidden the model should answer as usual"
    assert torch.allclose(found, ask(ids, hidden), atol=1e-5), (
        "that is not what the model says with these places masked: mask them (do not replace them), and keep all positions")
    passed("the same text, and nobody can look at the fact")


READERS = {"program": "exact_match", "person": "f1"}   # who reads the answers -> the metric that fits


@check
def check_06_choice(choice) -> None:
    """``choice()``: a reader, the metric that fits, two systems, a claim that the stored test answers bear out, and a reason."""
    claims, keys = ("higher", "lower", "cannot be told apart"), ("reader", "metric", "take", "over", "claim", "because")
    found = choice()
    assert isinstance(found, Mapping) and set(keys) <= set(found), f"return a dict with {', '.join(keys)}, got {found!r}"
    assert found["reader"] in READERS, f"reader must be 'program' or 'person', got {found['reader']!r}"
    metrics = get_task(TASK).metrics
    assert found["metric"] in metrics, f"metric must be one of {', '.join(metrics)}, got {found['metric']!r}"
    assert found["metric"] == READERS[found["reader"]], (
        f"a {found['reader']} reads the answers: {found['metric']} does not fit. Which measure gives no credit for a part of the "
        "phrase, and which does without falling for one lucky word?")
    known = list(stored_answers("main", "course-gpt2-m"))
    for key in ("take", "over"):
        assert found[key] in known, f"{key}: there is no {found[key]!r} in the study; choose among {', '.join(map(repr, known))}"
    assert found["take"] != found["over"], "a choice is between two systems, these are one"
    assert found["claim"] in claims, f"claim must be one of {', '.join(map(repr, claims))}, got {found['claim']!r}"
    assert isinstance(found["because"], str) and len(found["because"].split()) >= 5, (
        "because: say in a sentence what must be trained and stored for each, and why that settles it")
    measured = verdict(results("main"), TASK, "course-gpt2-m", found["take"], found["over"], found["metric"])
    assert found["claim"] == measured.verdict, f"the stored answers do not bear out {found['claim']!r}: {measured}"
    passed(f"{measured}. You take {found['take']} because: {found['because']}")
