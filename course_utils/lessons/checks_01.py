"""Checks of lesson 01, discrete prompts."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache

from .checks import check, passed

RECORDS = 100   # of the validation set, as in the lesson
OVERLAP = 0.6   # two prompts that share more of their words are one and the same example


@cache
def _course_model():
    from ..base_models import load_base_model

    return load_base_model("course-gpt2-m")


def _score(task: str, prompt: str, start: int = 0) -> float:
    """The task's main score of a prompt on ``RECORDS`` validation records from ``start``."""
    from ..batches import source_ids
    from ..evaluation import generate_answers
    from ..metrics import compute_metrics
    from ..records import load_task_data
    from ..tasks import get_task, with_hard_prompt

    (model, tokenizer), task = _course_model(), get_task(task)
    records = load_task_data(task)["validation"].select(range(start, start + RECORDS))
    rows = [source_ids(tokenizer, with_hard_prompt(prompt, task.source(record))) for record in records]
    answers = generate_answers(model, tokenizer, rows, task.max_new_tokens, RECORDS)
    references = [task.references(record) for record in records]
    return compute_metrics([task.main_metric], answers, references, task.language)[task.main_metric]


@check
def check_01_guess(guess) -> None:
    """``guess()`` -> {"space": BLEU, "line break": BLEU}; any numbers will do, the check shows what is measured."""
    found = guess()
    assert isinstance(found, dict) and set(found) == {"space", "line break"}, (
        f"return a dict with the keys 'space' and 'line break', got {found!r}")
    for ending, number in found.items():
        assert isinstance(number, int | float) and not isinstance(number, bool), f"guess a number for {ending!r}, not {number!r}"
        assert 0 <= number <= 100, f"BLEU goes from 0 to 100, and your guess for {ending!r} is {number}"
        assert number > 1 or number == 0, f"BLEU is given from 0 to 100 here, not from 0 to 1: did you mean {100 * number:g}?"
    for ending, prompt in (("space", "{source} "), ("line break", "{source}\n")):
        measured = _score("translation", prompt)
        print(f"{ending}: you said {found[ending]:.0f}, measured {measured:.0f}, off by {abs(found[ending] - measured):.0f}")
    passed("read on to see why")


@check
def check_01_target_ids(target_ids) -> None:
    """``target_ids(tokenizer, source, target)`` against the tokens of the joined text, at four kinds of seam."""
    from transformers import AutoTokenizer

    from ..base_models import find_model

    tokenizer = AutoTokenizer.from_pretrained(find_model("course-gpt2-m"), local_files_only=True)
    name = "Carl Scholz"
    for source, joined in (("Summary:", f"Summary: {name}"), ("It rained.\nGerman:", f"It rained.\nGerman: {name}"),
                           ("Summary:\n", f"Summary:\n{name}"), ("", name)):
        found = target_ids(tokenizer, source, name)
        assert isinstance(found, tuple | list) and len(found) == 2, f"return two lists of ids, got {found!r}"
        before, behind = (list(ids) for ids in found)
        wanted, length = tokenizer(joined)["input_ids"], len(tokenizer(source)["input_ids"])   # no token reaches across
        text, where = tokenizer.decode(before + behind), f"source {source!r}, target {name!r}"
        assert not source.endswith("\n") or text != f"{source} {name}", (
            f"{where}: there is a space behind the line break; a line's first word has none")
        assert source or text != f" {name}", f"{where}: an empty source needs no space"
        assert text == joined, f"{where}: your ids read {text!r} and should read {joined!r}: where is the space?"
        assert len(before) >= length, f"{where}: the source has {length} tokens, and your first list has {len(before)}"
        assert before + behind == wanted, (
            f"{where}: the text is right and the tokens are not, {len(before + behind)} instead of {len(wanted)}: "
            "the space still belongs to the source, and the model meets it as a token of its own")
        assert len(before) == length, f"{where}: the first list must hold the source alone, {length} tokens, not {len(before)}"
    passed("the space goes with the target, so source and target keep the tokens that they have in running text")


@check
def check_01_promising_swaps(promising_swaps) -> None:
    """``promising_swaps(rows, gradient, table, k)`` against the formula, pair by pair, on random numbers of three shapes."""
    import torch

    for length, width, vocabulary, k in ((3, 4, 9, 5), (1, 6, 12, 3), (5, 3, 20, 8)):
        generator = torch.Generator().manual_seed(length)
        table = torch.randn(vocabulary, width, generator=generator)
        rows = table[torch.randperm(vocabulary, generator=generator)[:length]]
        gradient = 3 * torch.randn(length, width, generator=generator)
        places = [(p, v) for p in range(length) for v in range(vocabulary)]
        change = {(p, v): float((table[v] - rows[p]) @ gradient[p]) for p, v in places}
        nothing_taken_off = {(p, v): float(table[v] @ gradient[p]) for p, v in places}
        distance = {(p, v): float((rows[p] - gradient[p] - table[v]).norm()) for p, v in places}
        found = promising_swaps(rows.clone(), gradient.clone(), table.clone(), k)
        assert isinstance(found, list) and len(found) == k, f"return a list of {k} pairs for k={k}, got {found!r}"
        assert all(isinstance(pair, tuple | list) and len(pair) == 2 for pair in found), "each swap is a pair (place, token)"
        found = [(int(place), int(token)) for place, token in found]

        def best(scores, reverse=False, k=k):
            return sorted(scores, key=scores.get, reverse=reverse)[:k]

        wanted, facts = best(change), f"for a prompt of {length} tokens and {vocabulary} in the vocabulary"
        assert found != best(change, reverse=True), (
            f"{facts} you took the swaps that *raise* the loss most: look for the smallest change")
        assert found == wanted or found != [(v, p) for p, v in wanted], f"{facts}: the place comes first, then the token"
        assert found == wanted or found != best(nothing_taken_off), (
            f"{facts}: take off what the present token contributes, rows . gradient, or places are compared unfairly")
        assert found == wanted or found != best(distance), (
            f"{facts}: the change of the loss is a dot product with the gradient, not the distance to a point one step away")
        assert found == wanted or sorted(found) != sorted(wanted), f"{facts}: the right swaps, but not the best first"
        assert found == wanted, (
            f"{facts}: expected {wanted}, got {found}: the change of each swap is (table_v - rows_p) . gradient_p")
    passed("the search of section 7 ranks by the same numbers, but it draws its candidates at random "
           "from the best of every place")


def _overlap(first: str, second: str) -> float:
    """The share of words that two texts have in common, each as often as both have it (0 to 1)."""
    one, other = (Counter(re.findall(r"\w+", text.lower())) for text in (first, second))
    return 2 * (one & other).total() / max(1, one.total() + other.total())


@check
def check_01_answer_prompt(answer_prompt) -> None:
    """``answer_prompt()`` must beat the bare source by 20 points of exact match, on records that the lesson does not use."""
    from ..batches import token_ids
    from ..tasks import get_task

    prompt, task = answer_prompt(), get_task("question_answering")
    assert isinstance(prompt, str) and prompt.count("{source}") == 1 and "{text}" not in prompt, (
        f"return a text that holds {{source}} exactly once, and no {{text}}; got {prompt!r}")
    assert prompt == prompt.rstrip(), "your prompt ends with white space: see section 4, the answer brings its own"
    ours = {line for each in task.hand_written for line in each.split("\n")} - {"{source}", ""}
    shared = [line for line in prompt.split("\n") if line in ours]
    assert not shared, f"the line {shared[0]!r} stands in our list: write your own"
    overlap = max(_overlap(prompt, each) for each in task.hand_written if "\nAnswer:" in each)
    assert overlap <= OVERLAP, (
        f"{overlap:.0%} of the words are those of an example in our list: this is our example with other words, write your own")
    length = len(token_ids(_course_model()[1], prompt))
    assert length <= 300, f"your prompt has {length} tokens: stay within 300, or answers take too long"
    bare, score = (_score(task.name, each, start=RECORDS) for each in ("", prompt))
    advice = ("vary the examples: more kinds of question, each answered with the bare words of its report" if "Answer:" in prompt
              else "describing what you want moves little; show it, with questions that are solved in the format of the source")
    assert score >= bare + 20, f"exact match is {score:.0f}%, and {bare:.0f}% without a prompt: {advice}"
    passed(f"exact match {score:.0f}%, and {bare:.0f}% without a prompt")
