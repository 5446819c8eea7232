"""Plausible wrong answers to lesson 07's exercises: each is told what is wrong. (Stubs and solutions: test_checks.py.)"""

import math
import re
from collections import Counter
from dataclasses import replace

import pytest

from course_utils.lessons import checks_07


def bleu(predictions, references, clip=True, penalty=lambda r, c: min(1.0, math.exp(1 - r / c)), scale=100):
    logs = []
    for n in (1, 2, 3, 4):
        found = written = 0
        for pair in zip(predictions, references, strict=True):
            ours, theirs = (Counter(tuple(text[i : i + n]) for i in range(len(text) - n + 1)) for text in pair)
            found += (ours & theirs).total() if clip else sum(count for gram, count in ours.items() if gram in theirs)
            written += ours.total()
        if not found:
            return 0.0
        logs.append(math.log(found / written))
    return scale * penalty(sum(map(len, references)), sum(map(len, predictions))) * math.exp(sum(logs) / 4)


def mean_of_sentences(predictions, references):
    return sum(bleu([a], [b]) for a, b in zip(predictions, references, strict=True)) / len(predictions)


def word_list(text):
    return re.findall(r"\w+", text)


def parts_of_words(source, reference, prediction):
    return [word for word in word_list(reference) if word[0].isupper() and word in source and word not in prediction]


def with_punctuation(source, reference, prediction):
    return [word for word in reference.split() if word[0].isupper() and word in source.split() and word not in prediction.split()]


def small_words_too(source, reference, prediction):
    return [word for word in word_list(reference) if word in word_list(source) and word not in word_list(prediction)]


def nouns_too(source, reference, prediction):
    return [word for word in word_list(reference) if word[0].isupper() and word not in word_list(prediction)]


def as_a_set(source, reference, prediction):
    return set(word_list(reference)) & set(word_list(source)) - set(word_list(prediction))


def reverse(task, **changes):
    right = {"source_template": "{target}\nEnglish:", "long_field": "target", "target_field": "source", "language": "en"}
    return replace(task, **{name: value for name, value in (right | changes).items() if value is not None})


@pytest.mark.parametrize(("name", "wrong", "hint"), [
    ("corpus_bleu", mean_of_sentences, "mean over sentences"),
    ("corpus_bleu", lambda *given: bleu(*given, clip=False), "clipping"),
    ("corpus_bleu", lambda *given: bleu(*given, penalty=lambda r, c: 1.0), "brevity penalty"),
    ("corpus_bleu", lambda *given: bleu(*given, penalty=lambda r, c: math.exp(1 - r / c)), "never above 1"),
    ("corpus_bleu", lambda *given: bleu(*given, penalty=lambda r, c: min(r / c, c / r)), "too (low|high)"),
    ("corpus_bleu", lambda *given: bleu(*given, scale=1), "0 to 100"),
    ("lost_names", parts_of_words, "part of a word"),
    ("lost_names", with_punctuation, "comma or a period"),
    ("lost_names", small_words_too, "small words"),
    ("lost_names", nouns_too, "expected"),
    ("lost_names", as_a_set, "list of words"),
    ("reverse", lambda task: task, "model would read"),
    ("reverse", lambda task: reverse(task, source_template="{target}\nGerman:"), "model would read"),
    ("reverse", lambda task: reverse(task, target_field="target"), "expected the English"),
    ("reverse", lambda task: reverse(task, long_field="source"), "long_field"),
    ("reverse", lambda task: reverse(task, language="de"), "language"),
    ("reverse", lambda task: reverse(task, metrics=("rougeL",)), "metrics need not change"),
    ("reverse", lambda task: None, "model would read"),
])
def test_wrong_answers_are_told_what_is_wrong(name, wrong, hint):
    with pytest.raises(AssertionError, match=hint):
        getattr(checks_07, f"check_07_{name}")(wrong)
