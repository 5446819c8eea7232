import pytest

from course_utils.metrics import METRICS
from course_utils.records import load_task_data
from course_utils.tasks import TASKS, get_task, join_target, with_hard_prompt

RECORD = {
    "summarization": {"document": "It rained.", "summary": "Rain."},
    "question_answering": {"context": "It rained.", "question": "What happened?", "answers": ["rain", "it rained"]},
    "translation": {"source": "It rained.", "target": "Es regnete."},
}


@pytest.mark.parametrize(
    "name, source, references",
    [
        ("summarization", "It rained.\nSummary:", ["Rain."]),
        ("question_answering", "It rained.\nQuestion: What happened?\nAnswer:", ["rain", "it rained"]),
        ("translation", "It rained.\nGerman:", ["Es regnete."]),
    ],
)
def test_source_and_references(name, source, references):
    task = get_task(name)
    assert task.source(RECORD[name]) == source
    assert task.references(RECORD[name]) == references
    assert task.target(RECORD[name]) == references[0]


def test_reported_soft_tokens_and_hard_prompts():
    assert {task.soft_token: task.hard_prompt for task in TASKS.values()} == {
        "[SUMMARIZE]": "Summarize the following content:",
        "[QUESTIONANSWERING]": "Answer the Following Question",
        "[TRANSLATION]": "Translate the following sentence from english to german:",
    }


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_every_task_names_metrics_that_exist_and_a_field_that_it_has(task):
    assert set(task.metrics) <= {key for metric in METRICS for key in metric.keys}
    assert task.main_metric in task.metrics
    assert task.long_field in task.source_fields


def test_braces_in_a_text_are_left_alone():
    assert get_task("translation").source({"source": "{x} {0}", "target": "-"}) == "{x} {0}\nGerman:"
    assert with_hard_prompt("{source}{0}", "{x}") == "{x}{0}"
    assert with_hard_prompt("{source}", "{text}") == "{text}"


def test_unknown_task_names_the_known_ones():
    with pytest.raises(ValueError, match=r"unknown task 'poetry': expected one of summarization, question_answering, tra"):
        get_task("poetry")


@pytest.mark.parametrize(
    "prompt, joined",
    [
        ("Sum up:", "Sum up: text\n"),
        ("{source}TL;DR:", "text\nTL;DR:"),
        ("A {source} B", "A text\n B"),
        ("{text}TL;DR:", "text\nTL;DR:"),
        ("", "text\n"),
        (None, "text\n"),
    ],
)
def test_hard_prompt_goes_in_front_or_where_it_says(prompt, joined):
    assert with_hard_prompt(prompt, "text\n") == joined


def test_a_template_can_replace_the_cue_of_the_task():
    assert with_hard_prompt("{text}TL;DR:", "a\nb\nSummary:") == "a\nb\nTL;DR:"
    assert with_hard_prompt("{text}TL;DR:", "no cue") == "no cueTL;DR:"


@pytest.mark.parametrize("source, piece", [("Answer:", " Anna"), ("text\n", "Anna"), ("Answer: ", "Anna"), ("", "Anna")])
def test_target_gets_a_space_unless_white_space_came_before(source, piece):
    assert join_target(source, "Anna") == piece


# ---- hand-written prompts

@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_hand_written_prompts_get_a_fair_hearing(task):
    prompts = task.hand_written
    assert len(set(prompts)) == len(prompts) >= 12
    assert not {"", task.hard_prompt} & set(prompts)
    for prompt in prompts:
        assert prompt == prompt.strip() and not prompt.endswith(" "), f"white space at the end of {prompt!r} would spoil it"
        assert prompt.count("{source}") <= 1


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_examples_inside_prompts_are_not_from_validation_or_test(task):
    assert any("Marta Klein" in prompt for prompt in task.hand_written)
    for split in ("validation", "test"):
        for record in load_task_data(task)[split]:
            assert "Marta Klein" not in task.source(record)
