"""Plausible wrong answers to lesson 01's exercises: each is told what is wrong. (Stubs and solutions: test_checks.py.)"""

import pytest

from course_utils import get_task
from course_utils.lessons import checks_01, words

QUIZ = ("On Monday, Nora Falk washed the bus.\nQuestion: Who washed the bus?\nAnswer: Nora Falk\n"
        "Question: What did Nora Falk wash?\nAnswer: the bus\n")


def our_example():
    """The longest listed prompt without its header, with other names, day and place."""
    prompt = max(get_task("question_answering").hand_written, key=len).split("\n", 1)[1]
    for ours, other in {"Marta Klein": "Nora Falk", "Otto Berg": "Max Huber", "Monday": "Friday", "park": "yard"}.items():
        prompt = prompt.replace(ours, other)
    return prompt


def seam(first, second):
    """The ids of two texts, each made from source and target."""
    return lambda tokenizer, *texts: (tokenizer(first(*texts))["input_ids"], tokenizer(second(*texts))["input_ids"])


def everything_in_the_source(tokenizer, source, target):
    space = "" if not source or source[-1].isspace() else " "
    return tokenizer(source + space + target)["input_ids"], []


def swaps(score=lambda rows, gradient, table: gradient @ table.T - (gradient * rows).sum(1, keepdim=True), largest=False,
          pair=lambda i, size: divmod(i, size), order=list):
    def promising_swaps(rows, gradient, table, k):
        best = score(rows, gradient, table).flatten().topk(k, largest=largest).indices.tolist()
        return order([pair(i, len(table)) for i in best])

    return promising_swaps


def one_step_away(rows, gradient, table):
    return (table[None] - (rows - gradient)[:, None]).norm(dim=-1)


@pytest.mark.parametrize(("name", "wrong", "hint"), [
    ("guess", lambda: {"space": 80}, "with the keys"),
    ("guess", lambda: 80, "with the keys"),
    ("guess", lambda: {"space": "less", "line break": "same"}, "guess a number"),
    ("guess", lambda: {"space": 120, "line break": 80}, "from 0 to 100"),
    ("guess", lambda: {"space": 0.8, "line break": 0.8}, "not from 0 to 1"),
    ("target_ids", seam(lambda s, t: s + " ", lambda s, t: t), "still belongs to the source"),
    ("target_ids", seam(lambda s, t: s, lambda s, t: t), "where is the space"),
    ("target_ids", seam(lambda s, t: s + " ", lambda s, t: " " + t), "where is the space"),
    ("target_ids", seam(lambda s, t: s, lambda s, t: " " + t), "behind the line break"),
    ("target_ids", seam(lambda s, t: s, lambda s, t: t if s.endswith("\n") else " " + t), "empty source"),
    ("target_ids", everything_in_the_source, "source alone"),
    ("target_ids", lambda tokenizer, source, target: tokenizer(f"{source} {target}")["input_ids"], "two lists"),
    ("promising_swaps", swaps(largest=True), r"\*raise\* the loss"),
    ("promising_swaps", swaps(lambda rows, gradient, table: gradient @ table.T), "take off"),
    ("promising_swaps", swaps(one_step_away), "dot product"),
    ("promising_swaps", swaps(pair=lambda i, size: divmod(i, size)[::-1]), "place comes first"),
    ("promising_swaps", swaps(order=lambda found: found[::-1]), "not the best first"),
    ("promising_swaps", swaps(order=lambda found: found[:1]), "a list of"),
    ("answer_prompt", lambda: "Answer in a few words", "exactly once"),
    ("answer_prompt", lambda: "{source} ", "white space"),
    ("answer_prompt", lambda: "Quick quiz\n" + QUIZ + "{source}", "stands in our list"),
    ("answer_prompt", lambda: get_task("question_answering").hand_written[-1], "stands in our list"),
    ("answer_prompt", lambda: our_example(), "with other words"),
    ("answer_prompt", lambda: "Small test\n" + our_example(), "with other words"),
    ("answer_prompt", lambda: QUIZ * 12 + "{source}", "stay within 300"),
    ("answer_prompt", lambda: "Short answers, as the report has them\n{source}", "describing what you want"),
    ("answer_prompt", lambda: "It rained.\nQuestion: Did it rain?\nAnswer: It did rain.\n{source}", "vary the examples"),
])
def test_wrong_answers_are_told_what_is_wrong(name, wrong, hint):
    with pytest.raises(AssertionError, match=hint):
        getattr(checks_01, f"check_01_{name}")(wrong)


def test_what_a_list_says_of_solved_examples():
    one, two = "Marta Klein sang.\n{source}", "Marta Klein sang.\nOtto Berg sang.\n{source}"
    headed, header = f"Quick quiz\n{two}", "Quick quiz\n{source}"
    text = words.said_of_examples({headed: 36.0, one: 13.0, header: 8.0, "Answer:": 5.0})
    assert "places 1, 2 of 4" in text and "They stand on top" in text
    assert "the header alone scores 8.0, the examples alone are not in the list" in text
    text = words.said_of_examples({headed: 36.0, two: 13.0})
    assert "the header alone is not in the list, the examples alone score 13.0" in text
    assert "joins" not in words.said_of_examples({one: 36.0, headed: 13.0})
    assert "second half" in words.said_of_examples({"a": 3.0, "b": 2.0, one: 1.0})
    assert words.said_of_examples({"a": 3.0, one: 2.0, "b": 1.0, "c": 0.0}).endswith("places 2 of 4")
    assert words.said_of_examples({"a": 3.0}) == "no prompt with solved examples"
