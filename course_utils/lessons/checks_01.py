"""Checks of lesson 01, discrete prompts."""

from __future__ import annotations

from .checks import check, passed


@check
def check_01_joins(joins) -> None:
    """``joins(tokenizer, prompt, answer)`` on seams whose tokens are known: at a word, a space, a line break, inside a word."""
    from transformers import AutoTokenizer

    from ..base_models import find_model

    tokenizer = AutoTokenizer.from_pretrained(find_model("course-gpt2-m"), local_files_only=True)
    for prompt, answer, wanted, why in (
        ("Summary:", " Carl Scholz", True, "the space belongs to the word behind it, so the prompt keeps its tokens"),
        ("Summary: ", "Carl Scholz", False, "the space goes over to the word and the prompt loses its last token"),
        ("Summary:\n", "Carl Scholz", True, "a line break stays a token of its own; the white space that hurts is the space"),
        ("It rained on Mon", "day", False, "a word that is cut in two becomes one token again, without any space at the seam"),
        ("", "Carl Scholz", True, "an empty prompt has no token to lose"),
        ("Carl Scholz", "", True, "an empty answer changes nothing"),
    ):
        found = joins(tokenizer, prompt, answer)
        assert isinstance(found, bool), f"return True or False, not {type(found).__name__}"
        assert found == wanted, (
            f"for {prompt!r} + {answer!r} you say {found}, but {why}: compare the ids of the prompt alone with those of both")
    passed("a seam is where no token reaches across")


@check
def check_01_best_so_far(best_so_far) -> None:
    """``best_so_far`` against the definition, try by try, on lists where validation and test disagree and leaders tie."""
    for validation, test in (
        ([0.1, 0.4, 0.2, 0.6], [0.3, 0.2, 0.9, 0.5]),
        ([0.5, 0.5, 0.1], [0.2, 0.7, 0.8]),
        ([-3.0, -2.0, -4.0], [-1.0, -5.0, -2.0]),
        ([0.3], [0.1]),
    ):
        curve = best_so_far(list(validation), list(test))
        assert isinstance(curve, list) and len(curve) == len(test), (
            f"return a list with one number for each of the {len(test)} tries, got {curve!r}")
        bests = [max(validation[: n + 1]) for n in range(len(test))]
        wanted = [test[validation.index(best)] for best in bests]   # index() finds the first
        last = [test[max(i for i in range(n + 1) if validation[i] == best)] for n, best in enumerate(bests)]
        facts = f"for validation {validation} and test {test} expected {wanted}, got {curve}"
        assert curve == wanted or curve != [max(test[: n + 1]) for n in range(len(test))], (
            f"{facts}: that is the best *test* score so far, so the test data chose")
        assert curve == wanted or curve != bests, f"{facts}: those are validation scores; look the leader up in the test scores"
        assert curve == wanted or curve != last, f"{facts}: in a tie the earlier prompt keeps the lead, compare with > and not >="
        assert curve == wanted, f"{facts}: at each try, find the leader on validation, then read its test score"
    passed("validation chooses, test only reports")


@check
def check_01_summary_prompt(summary_prompt) -> None:
    """``summary_prompt()`` must beat the bare source by 0.05 ROUGE-L, on validation examples that the lesson does not use."""
    prompt = summary_prompt()
    assert isinstance(prompt, str) and prompt.count("{source}") + prompt.count("{text}") == 1, (
        f"return a text that holds {{source}} or {{text}} exactly once, where the report goes; got {prompt!r}")
    assert prompt == prompt.rstrip(" "), "your prompt ends with a space: see section 4, the answer brings its own"

    from ..base_models import load_base_model
    from ..batches import token_ids
    from ..evaluation import generate_texts
    from ..metrics import compute_metrics
    from ..records import load_task_data
    from ..tasks import get_task, with_hard_prompt

    task = get_task("summarization")
    assert prompt not in (task.hard_prompt, *task.hand_written), (
        f"{prompt!r} was tried in this lesson already: change it, or combine two ideas")
    model, tokenizer = load_base_model("course-gpt2-m")
    length = len(token_ids(tokenizer, prompt))
    assert length <= 150, f"your prompt has {length} tokens: stay within 150, or long reports no longer fit"
    records = load_task_data(task)["validation"].select(range(40, 100))
    bare, score = (
        compute_metrics(["rougeL"], generate_texts(
            model, tokenizer, [with_hard_prompt(each, task.source(record)) for record in records], task.max_new_tokens, 64),
            records["summary"])["rougeL"]
        for each in ("", prompt))
    assert score > bare + 0.05, (
        f"{prompt!r} has ROUGE-L {score:.3f}, the bare source {bare:.3f}: describing what you want does not help much; "
        "look for words that stood close to it in the gazette")
    passed(f"ROUGE-L {score:.3f} against {bare:.3f}")
