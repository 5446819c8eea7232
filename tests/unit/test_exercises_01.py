"""Wrong answers to lesson 01's exercises: the checks must name the mistake. Stub and solution: test_exercises.py."""

from itertools import accumulate

import pytest

from course_utils import exercises, get_task


def looks_at_text(tokenizer, prompt, answer):
    return (prompt + answer).startswith(prompt)


def looks_for_a_space(tokenizer, prompt, answer):
    return not prompt.endswith(" ")


def looks_for_white_space(tokenizer, prompt, answer):
    return prompt == prompt.rstrip()


@pytest.mark.parametrize(("wrong", "hint"), [
    (looks_at_text, "the space goes over to the word"),
    (looks_for_a_space, "cut in two"),
    (looks_for_white_space, "line break"),
    (lambda *_: None, "True or False"),
])
def test_joins(wrong, hint):
    with pytest.raises(AssertionError, match=hint):
        exercises.check_01_joins(wrong)


def latest_leader(validation, test):
    leaders = accumulate(range(len(test)), lambda a, b: b if validation[b] >= validation[a] else a)
    return [test[i] for i in leaders]


@pytest.mark.parametrize(("wrong", "hint"), [
    (lambda validation, test: list(accumulate(test, max)), "the test data chose"),
    (lambda validation, test: list(accumulate(validation, max)), "those are validation scores"),
    (latest_leader, "in a tie the earlier"),
    (lambda validation, test: test[validation.index(max(validation))], "one number for each"),
    (lambda validation, test: [test[validation.index(max(validation))]] * len(test), "at each try"),
    (lambda validation, test: list(test), "at each try"),
])
def test_best_so_far(wrong, hint):
    with pytest.raises(AssertionError, match=hint):
        exercises.check_01_best_so_far(wrong)


@pytest.mark.parametrize(("wrong", "hint"), [
    ("Summarize this", "exactly once"),
    ("{text}In short: ", "ends with a space"),
    (get_task("summarization").hand_written[2], "tried in this lesson already"),
    ("{source}" + " ja" * 200, "stay within 150"),
    ("Please be so kind as to write a short summary\n{source}", "look for words that stood close"),
])
def test_summary_prompt(wrong, hint):
    with pytest.raises(AssertionError, match=hint):
        exercises.check_01_summary_prompt(lambda: wrong)
