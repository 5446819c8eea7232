"""Plausible wrong answers to lesson 05's exercises, each told what is wrong; and the sorter of its errors. (Stubs and solutions:
test_checks.py.)"""

import re

import numpy
import pytest
import torch

from course_utils.lessons import checks_05, errors
from course_utils.lessons.charts import resampled_interval


def log_probability(soft, source, target, model=None, shift=1, begin=None, mean=False, sign=1):
    model = model or soft
    logits = model(input_ids=torch.tensor([source + target])).logits[0]
    logits = logits[len(logits) - len(source) - len(target) :]
    ids, begin = source + target, len(source) if begin is None else begin
    logs = logits.log_softmax(-1)[range(begin - shift, len(ids) - shift), ids[begin:]]
    return sign * float(logs.mean() if mean else logs.sum())


def write(soft, source, length, model=None, append=True, last=True):
    ids, new = list(source), []
    for n in range(length):
        logits = (model or soft)(input_ids=torch.tensor([ids])).logits[0]
        new.append(int(logits[-1 if last else soft.prompt_length + n].argmax()))
        ids += new[-1:] if append else []
    return new


def without_sentences(document, pattern):
    return " ".join(sentence for sentence in re.split(r"(?<=[.]) ", document) if not re.search(pattern, sentence))


@pytest.mark.parametrize(("name", "wrong", "hint"), [
    ("check_05_log_probability", lambda soft, s, t: log_probability(soft, s, t, model=soft.base_model), "without the soft"),
    ("check_05_log_probability", lambda soft, s, t: log_probability(soft, s, t, shift=0), "one place before"),
    ("check_05_log_probability", lambda soft, s, t: log_probability(soft, s, t, mean=True), "add the logs up"),
    ("check_05_log_probability", lambda soft, s, t: log_probability(soft, s, t, sign=-1), "is negative"),
    ("check_05_log_probability", lambda soft, s, t: log_probability(soft, s, t, begin=1), "only the target counts"),
    ("check_05_log_probability", lambda soft, s, t: log_probability(soft, s, t, mean=True, sign=-1), "mean loss"),
    ("check_05_write_freely", lambda soft, s, n: write(soft, s, n, model=soft.base_model), "without the soft prompt"),
    ("check_05_write_freely", lambda soft, s, n: write(soft, s, n, append=False), "read what was written"),
    ("check_05_write_freely", lambda soft, s, n: s + write(soft, s, n), "without the source"),
    ("check_05_write_freely", lambda soft, s, n: write(soft, s, n - 1), "new tokens, got"),
    ("check_05_write_freely", lambda soft, s, n: write(soft, s, n, append=False, last=False), "last position|argmax"),
    ("check_05_edit", lambda text: text, "nothing has changed"),
    ("check_05_edit", lambda text: text + " ", "only blanks"),
    ("check_05_edit", lambda text: text.replace(". ", ".\n"), "only blanks"),
    ("check_05_edit", checks_05.swap_crowds, "exchanged the two numbers already"),
    ("check_05_edit", lambda text: text.replace("Rudolf Kraft", "Somebody").replace("Luise Horn", "Somebody"), "both people"),
    ("check_05_edit", lambda text: "Rudolf Kraft and Rosa Graf, Luise Horn and Elsa Peters", "words are gone"),
    ("check_05_edit", lambda text: text.split(". "), "one text"),
    ("check_05_edit", lambda text: without_sentences(text, r"\d"), "both people"),
])
def test_wrong_answers_are_told_what_is_wrong(name, wrong, hint):
    with pytest.raises(AssertionError, match=hint):
        getattr(checks_05, name)(wrong)


def test_the_numbers_of_visitors_may_be_deleted():
    checks_05.check_05_edit(lambda text: without_sentences(text, checks_05.CROWD))


REFERENCE = "Rosa Graf cooks the spicy fish soup in the kitchen because a cooking contest is taking place."


@pytest.mark.parametrize(("prediction", "kinds"), [
    (REFERENCE, ["right"]),
    ("Rudolf Kraft presents the big chronicle in the bookshop because a book festival is coming up.", ["other event"]),
    ("Rudolf Kraft cooks the spicy fish soup in the kitchen because a cooking contest is taking place.", ["name"]),
    ("Rosa Graf presents the big chronicle in the bookshop because a book festival is coming up.", ["thing"]),
    ("The spicy fish soup was cooked by Rosa Graf on 10 June.", ["another form", "no reason", "no place"]),
    ("Rosa Graf cooked the spicy fish soup on 10 June because a cooking contest was taking place.", ["tense", "no place"]),
    ("Rosa Graf cooked the spicy fish soup in the kitchen on 10 June.", ["tense", "no reason"]),
    ("Rosa Graf cooks the spicy fish soup in the bookshop because the guests are hungry.", ["reason wrong", "place wrong"]),
    ("Rosa Graf cooks a spicy fish soup in the kitchen because a cooking contest is taking place.", ["another detail"]),
    ("", ["other event"]),
])
def test_a_summary_is_sorted_by_its_faults(prediction, kinds):
    assert errors.faults(prediction, REFERENCE) == kinds


def test_all_references_have_parts_and_none_has_a_fault():
    from course_utils import load_task_data

    for split in load_task_data("summarization").values():
        assert all(errors.parts(reference) for reference in split["summary"])
        assert errors.fault_counts(split["summary"], split["summary"])["right"] == len(split)
        assert all(checks_05.swap_crowds(checks_05.swap_crowds(each)) == each for each in split["document"])


def test_a_reference_of_another_form():
    assert errors.faults("a", "A free text") == ["another detail"] and errors.faults("b", "b") == ["right"]
    with pytest.raises(ValueError, match="PERSON VERB"):
        errors.chosen_event("a", "A free text")


def test_numbers_of_visitors_change_places():
    swapped = checks_05.swap_crowds(checks_05.REPORTS[0])
    assert re.findall(r"about (\d+)", swapped, re.IGNORECASE) == ["80", "40"]
    with pytest.raises(ValueError, match="found 0"):
        checks_05.swap_crowds("Nobody came.")


def test_a_difference_comes_with_its_interval():
    first, second = numpy.tile([1, 1, 1, 0], (2, 20)), numpy.tile([0, 1, 0, 0], (3, 20))
    difference, low, high, verdict = checks_05.difference_interval(first, second)
    assert difference == 0.5 and (low, high) == resampled_interval(first.mean(0) - second.mean(0))
    assert verdict == "higher" and checks_05.difference_interval(second, second)[3] == "cannot be told apart"


def test_shares_of_kinds_and_what_moved():
    other = "Rudolf Kraft presents the big chronicle in the bookshop because a book festival is coming up."
    name = "Rudolf Kraft cooks the spicy fish soup."
    assert errors.event_shares([[REFERENCE, other], [name, other]], [REFERENCE] * 2) == {
        "main": 25, "other": 50, "name": 25, "thing": 0}
    answers = {"a": [[other] * 20, [name] * 20], "b": [[REFERENCE] * 20], "c": [[other] * 10 + [name] * 10]}
    text = checks_05.what_moved(answers, [REFERENCE] * 20, "a", "b")
    assert text == ("From a to b: *other* -50.0 points [-50.0, -50.0], lower; *name* and *thing* together -50.0 points "
                    "[-50.0, -50.0], lower.")
    assert checks_05.what_moved(answers, [REFERENCE] * 20, "a", "c").count("cannot be told apart") == 2


def test_the_sizes_are_told_by_a_paired_test():
    few, many = [[True] * 10 + [False] * 30], [[True] * 30 + [False] * 10]
    s = {"hard prompt, best written": few, "soft prompt, 20 tokens": few, "full fine-tuning": many}
    text = checks_05.about_sizes({"xs": {name: [[False] * 40] for name in s}, "s": s, "l": {"full fine-tuning": many}})
    soft, full = text.splitlines()
    assert soft.startswith("- soft prompt, 20 tokens minus") and soft.endswith("s +0.0 [+0.0, +0.0], cannot be told apart")
    assert "s +50.0 [+" in full and full.endswith("higher") and "xs" not in text and "l +" not in text


def test_the_names_of_systems_have_their_colours():
    from course_utils.lessons.drawing import SYSTEM_COLORS, color_of

    examples = [name for stored, name in checks_05.NAMES.items() if stored.startswith("solved examples")]
    assert len(examples) == 3 and {color_of(name) for name in examples} == {SYSTEM_COLORS["few-shot"]}


def test_a_sign_test():
    assert checks_05.sign_test(0, 0) == 1 and checks_05.sign_test(5, 5) == 1
    assert checks_05.sign_test(10, 0) == checks_05.sign_test(0, 10) == 2 / 2**10
