"""Checks of lesson 06, question answering."""

from __future__ import annotations

from .checks import check, passed


@check
def check_06_token_f1(token_f1) -> None:
    """``token_f1(prediction, references)`` against fractions worked out by hand."""
    for prediction, references, wanted, why in (
        ("in the park", ["in the park"], 1, "equal texts score 1, not 100: the scale is 0 to 1"),
        ("Town hall.", ["the town hall"], 1, "`normalise` both sides: case, full stop and article do not count"),
        ("the old gate", ["the new bridge"], 0, "`normalise` both sides: only the article is shared, and it does not count"),
        ("Birkenau", ["in Birkenau", "Birkenau"], 1, "take the best over the references, not the first and not the mean"),
        ("park", ["in the park"], 2 / 3, "one shared word, of one that was said and two that were wanted"),
        ("Berg Berg Berg", ["Otto Berg"], 2 / 5, "a word is shared as often as it occurs on both sides: count, do not use sets"),
        ("Otto Berg Berg", ["Berg and Berg"], 2 / 3, "a word is shared as often as both sides have it: count, do not use sets"),
        ("because it rained", ["it rained because it snowed"], 3 / 4, "precision 3/3 and recall 3/5; take their harmonic mean"),
    ):
        found = token_f1(prediction, list(references))
        assert abs(found - wanted) < 1e-6, f"{prediction!r} against {references} is {wanted:.3f}, you get {found:.3f}: {why}"
    try:
        empty = token_f1("", ["in the park"])
    except ZeroDivisionError:
        empty = None
    assert empty == 0, f"an empty answer scores 0, you get {'a division by zero' if empty is None else empty}"
    passed("F1 over counted words, best reference")


@check
def check_06_sign_test(sign_test) -> None:
    """``sign_test(right_a, right_b)`` against a list of all ways in which the coins could have fallen."""
    from itertools import product

    for both, only_a, only_b, neither in ((3, 5, 1, 2), (0, 1, 7, 0), (40, 6, 3, 30), (2, 3, 3, 2), (5, 0, 0, 5)):
        right_a = [True] * both + [True] * only_a + [False] * only_b + [False] * neither
        right_b = [True] * both + [False] * only_a + [True] * only_b + [False] * neither
        n = only_a + only_b
        tosses = [abs(2 * sum(coins) - n) for coins in product((0, 1), repeat=n)]
        wanted = sum(uneven >= abs(only_a - only_b) for uneven in tosses) / len(tosses)
        found = sign_test(list(right_a), list(right_b))
        facts = f"only A is right {only_a} times, only B {only_b} times, both {both} and neither {neither} times"
        assert 0 <= found <= 1, f"{facts}: a probability lies between 0 and 1, you get {found}"
        assert abs(found - wanted) < 1e-6 or n == 0 or abs(found - wanted / 2) > 1e-6, (
            f"{facts}: p is {wanted:.4f}, you get half of it; an uneven split to the other side counts as well")
        assert abs(found - wanted) < 1e-6, (
            f"{facts}: p is {wanted:.4f}, you get {found:.4f}; only the {n} questions on which they differ are coin tosses, "
            "and every split at least as uneven counts")
    passed("where two systems differ, and how often luck would do the same")


@check
def check_06_edit_report(edit_report) -> None:
    """``edit_report(record, old, new)`` on records in which the phrase also hides inside other words and in the question."""
    for old, new, context, question, answers, edited, edited_answers in (
        ("Agnes Hahn", "Otto Frank", "Agnes Hahn helped. It was hot. Carl Roth paid Agnes Hahn.", "Who helped?", ["Agnes Hahn"],
         "Otto Frank helped. It was hot. Carl Roth paid Otto Frank.", ["Otto Frank"]),
        ("Birkenau", "Goldbach", "She rode to Birkenau. She likes it.", "Where did she ride to?", ["to Birkenau", "Birkenau"],
         "She rode to Goldbach. She likes it.", ["to Goldbach", "Goldbach"]),
        ("8", "13", "8 visitors came on 18 May. It cost 88 euros.", "Did 8 or more people come to watch?", ["8"],
         "13 visitors came on 18 May. It cost 88 euros.", ["13"]),
        ("St. Anna", "St. Vitus", "Stu Anna met her at St. Anna.", "Where?", ["at St. Anna"], "Stu Anna met her at St. Vitus.",
         ["at St. Vitus"]),
    ):
        record = {"context": context, "question": question, "answers": list(answers)}
        found = edit_report(record, old, new)
        assert record == {"context": context, "question": question, "answers": answers}, (
            "the record that was given has changed: make a new one, with a new list of answers")
        assert isinstance(found, dict) and set(found) == set(record), f"return a record with the same fields, got {found!r}"
        assert found["question"] == question, f"the question must stay {question!r}, it became {found['question']!r}"
        assert found["context"] == edited, (
            f"{old!r} became {new!r}, so the report should read {edited!r}, yours reads {found['context']!r}: "
            "replace it everywhere, as whole words, and take its periods literally")
        assert list(found["answers"]) == edited_answers, (
            f"expected the answers {edited_answers}, got {found['answers']}: they change along with the report, all of them")
    passed("one fact changed, and nothing else")
