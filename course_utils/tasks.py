"""The three tasks of the course, as data: what goes in, what should come out, how it is scored.

A task is described once, here; loading, training, evaluation and the lessons all read it from this table.
"""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Task:
    """One task: everything that differs between summarization, question answering and translation.

    ``source_template`` is filled from a record and is all that the model reads before the target; its last line is the
    task's cue (``Answer:``). ``long_field`` is the one field that may be cut when a text is too long. ``hard_prompt``
    is the prompt of the original report, ``hand_written`` are ours, in the order in which we tried them (lesson 01):
    see `with_hard_prompt` for ``{source}`` and ``{text}``. ``metrics`` are keys of `metrics.compute_metrics`;
    ``language`` is that of the targets.
    """

    name: str
    soft_token: str
    hard_prompt: str
    source_template: str
    long_field: str
    target_field: str
    metrics: tuple[str, ...]
    main_metric: str
    max_new_tokens: int
    language: str = "en"
    hand_written: tuple[str, ...] = ()

    @property
    def source_fields(self) -> tuple[str, ...]:
        """The fields of a record that the source template uses."""
        return tuple(name for _, name, _, _ in string.Formatter().parse(self.source_template) if name)

    def source(self, record: Mapping) -> str:
        """The text that stands before the target, without any prompt."""
        return self.source_template.format(**{name: record[name] for name in self.source_fields})

    def references(self, record: Mapping) -> list[str]:
        """All accepted targets of a record; at least one."""
        target = record[self.target_field]
        return [target] if isinstance(target, str) else list(target)

    def target(self, record: Mapping) -> str:
        """The target to train on: the first reference."""
        return self.references(record)[0]


# Prompts in the order in which a thoughtful person might try them: an instruction, cues that anybody knows from the web,
# the words of the gazette itself (data/build/pages.py: its headers and cues), a worked example. A cue behind the text ends
# without a space, because the target brings its own (`join_target`). Nobody in the examples occurs in validation or test data.
SUMMARIZATION_PROMPTS = (
    "Summarize:",
    "Please summarize this report in one sentence.\n{source}",
    "{text}TL;DR:",
    "{text}A summary in the present tense:",
    "{text}In one sentence:",
    "Who does what, where and why? One sentence, present tense.\n{source}",
    "{text}In one sentence, in the present tense, with the place and the reason:",
    "Reports and summaries\n{source}",
    "Please summarize.\n{source}",
    "{text}In short:",
    "{text}To sum up:",
    "{text}The gist:",
    "News in one sentence\n{source}",
    "{text}What happens and why:",
    "What happened and why\n{text}What happens and why:",
    "On Monday, Marta Klein painted the old gate in the park. She did it because it had rained for days.\n"
    "Summary: Marta Klein paints the old gate in the park because it had rained for days.\n{source}",
    "On Monday, Marta Klein painted the old gate in the park. She did it because it had rained for days.\n"
    "What happens and why: Marta Klein paints the old gate in the park because it had rained for days.\n"
    "{text}What happens and why:",
)
QUESTION_ANSWERING_PROMPTS = (
    "Answer the question:",
    "Read the report, then answer the question.\n{source}",
    "Answer in as few words as possible.\n{source}",
    "Give only the words of the report that answer the question, no full sentence.\n{source}",
    "{source} (in a few words)",
    "{source} In short,",
    "{source} The answer is",
    "Reading comprehension\n{source}",
    "Questions and answers\n{source}",
    "Answer the questions.\n{source}",
    "Answer briefly.\n{source}",
    "Quick quiz\n{source}",
    "Test your memory\n{source}",
    "On Monday, Marta Klein painted the old gate in the park. Otto Berg helped her.\n"
    "Question: Where did Marta Klein paint the old gate?\nAnswer: in the park\n{source}",
    "Quick quiz\nOn Monday, Marta Klein painted the old gate in the park. Otto Berg helped her.\n"
    "Question: Where did Marta Klein paint the old gate?\nAnswer: in the park\n"
    "Question: What did Marta Klein paint?\nAnswer: the old gate\n{source}",
)
TRANSLATION_PROMPTS = (
    "Translate to German:",
    "Translate into German:\n{source}",
    "English: {text}German:",
    "{text}Deutsch:",
    "{text}In German:",
    "{text}Translation:",
    "Translate into German, in the perfect tense, with the time in front:\n{source}",
    "{text}German, in the perfect tense, with the time in front:",
    "English and German\n{source}",
    "Phrasebook\n{source}",
    "{text}Auf Deutsch:",
    "{text}Spoken German:",
    "{text}As told in the inn:",
    "German lesson: the spoken past\n{source}",
    "German lesson: the spoken past\n{text}Spoken German:",
    "Marta Klein painted the old gate on Monday.\nGerman: Am Montag hat Marta Klein das alte Tor gestrichen.\n{source}",
    "Marta Klein painted the old gate on Monday.\nSpoken German: Am Montag hat Marta Klein das alte Tor gestrichen.\n"
    "{text}Spoken German:",
)

TASKS = {
    task.name: task
    for task in (
        Task(
            name="summarization",
            soft_token="[SUMMARIZE]",
            hard_prompt="Summarize the following content:",
            source_template="{document}\nSummary:",
            long_field="document",
            target_field="summary",
            metrics=("rouge1", "rouge2", "rougeL", "exact_match", "exact_match_percentage"),
            main_metric="rougeL",
            max_new_tokens=48,
            hand_written=SUMMARIZATION_PROMPTS,
        ),
        Task(
            name="question_answering",
            soft_token="[QUESTIONANSWERING]",
            hard_prompt="Answer the Following Question",
            source_template="{context}\nQuestion: {question}\nAnswer:",
            long_field="context",
            target_field="answers",
            metrics=("exact_match", "f1", "exact_match_percentage"),
            main_metric="exact_match",
            max_new_tokens=24,
            hand_written=QUESTION_ANSWERING_PROMPTS,
        ),
        Task(
            name="translation",
            soft_token="[TRANSLATION]",
            hard_prompt="Translate the following sentence from english to german:",
            source_template="{source}\nGerman:",
            long_field="source",
            target_field="target",
            metrics=("bleu", "exact_match", "exact_match_percentage"),
            main_metric="bleu",
            max_new_tokens=64,
            language="de",
            hand_written=TRANSLATION_PROMPTS,
        ),
    )
}


def get_task(name: str | Task) -> Task:
    """The task of that name; a `Task` is handed through. Raises ValueError that lists the known names."""
    if isinstance(name, Task):
        return name
    if name not in TASKS:
        raise ValueError(f"unknown task {name!r}: expected one of {', '.join(TASKS)}")
    return TASKS[name]


def with_hard_prompt(prompt: str | None, source: str) -> str:
    """Put a hand-written prompt and a source together.

    A prompt that contains ``{source}`` or ``{text}`` is a template, any other goes in front, with a space. ``{text}`` is the
    source without its last line, the task's cue, so that a prompt can bring another: ``"{text}TL;DR:"``. None and ""
    leave the source as it is.
    """
    if not prompt:
        return source
    if "{source}" in prompt or "{text}" in prompt:  # not str.format: other braces are the author's own
        text = source[: source.rfind("\n") + 1] or source
        return re.sub(r"\{(source|text)\}", lambda name: source if name[1] == "source" else text, prompt)
    return f"{prompt} {source}"


def join_target(source_text: str, target: str) -> str:
    """The target as it continues the source: after a space, unless the source ends in white space (or is empty).

    Byte-level BPE glues the space to the word (``" Anna"`` is one token), so the space has to be part of the target;
    at the start of a line a word stands without one. The pre-training text does the same.
    """
    return target if not source_text or source_text[-1].isspace() else " " + target
