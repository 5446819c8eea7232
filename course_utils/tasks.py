"""The three tasks of the course, as data: what goes in, what should come out, how it is scored.

A task is described once, here; loading, training, evaluation and the lessons all read it from this table.
"""

from __future__ import annotations

import functools
import json
import os
import re
import string
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


class CourseWarning(UserWarning):
    """What the user should know, though it is no error. The commands print it as a note."""


@dataclass(frozen=True)
class Task:
    """One task: everything that differs between summarization, question answering and translation.

    ``source_template`` is filled from a record and is all that the model reads before the target; its last line is the
    task's cue (``Answer:``). ``long_field`` is the one field that may be cut when a text is too long. ``hard_prompt``
    is the prompt of the original report, ``hand_written`` are ours, in the order in which a thoughtful person might try them
    (lesson 01): see `with_hard_prompt` for ``{source}`` and ``{text}``. ``metrics`` are keys of `metrics.compute_metrics`;
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

    @property
    def hand_written(self) -> tuple[str, ...]:
        return tuple(hand_written_prompts().get(self.name, ()))

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
        ),
    )
}


def data_root() -> Path:
    """The folder with the course's data and models: ``data/`` of the repository, or $COURSE_DATA."""
    return Path(os.environ.get("COURSE_DATA") or Path(__file__).resolve().parents[1] / "data")


@functools.cache
def hand_written_prompts() -> dict[str, list[str]]:
    """Our prompts for each task, in the order of trying."""
    return json.loads((data_root() / "hand_written_prompts.json").read_text(encoding="utf-8"))


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
