"""One switch for all lessons: ``COURSE_SCALE=mini`` (the default) runs anywhere, ``full`` wants a GPU and the hub."""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """What a lesson loads and how it trains: ``base_model`` for `load_base_model`; ``data``, ``max_train`` and ``max_eval``
    for `load_task_data`; ``epochs``, ``batch_size`` and ``learning_rate`` for a `TrainingConfig` with 20 virtual tokens.

    ``max_train`` and ``max_eval`` are numbers of records, None for all of them.
    """

    name: str
    base_model: str
    data: str
    max_train: int | None = None
    max_eval: int | None = None
    epochs: int = 3
    batch_size: int = 16
    learning_rate: float = 0.1


# Full is cut to fit a quarter of an hour on a Colab T4 (16 GB, some 4 of its 8 TFLOP/s in fp32). Nobody has measured that; it
# is an estimate for lesson 05, the heaviest:
#   reading:   2 FLOP for each of the 85M weights of GPT-2's blocks, and attention: 0.2 GFLOP a token
#   training:  the same again for the way back through the frozen model, output layer at the targets: 0.44 GFLOP a token
#   articles:  800 tokens on average once cut to 1,024 positions
# so 500 articles, 3 epochs: 0.53 PFLOP, 2 to 3 minutes a prompt, of which it trains two; 17 hand-written prompts on 32 articles,
# five systems on 100, up to 100 new tokens at 40 ms for a batch of 32: 6 minutes; download and start: 3 minutes.
# SQuAD's contexts have some 150 tokens, Multi30k's sentences 15. 20 virtual tokens are 2% of the positions, at either scale.
# The learning rate is one that others use for prompts of this length; it was not searched for on GPT-2.
SCALES = {
    scale.name: scale
    for scale in (
        Scale("mini", base_model="course-gpt2-m", data="embedded"),
        Scale(
            "full",
            base_model="openai-community/gpt2",
            data="hub",
            max_train=500,
            max_eval=100,
            batch_size=8,
            learning_rate=0.03,
        ),
    )
}


def course_scale() -> Scale:
    """The scale that the environment variable ``COURSE_SCALE`` names. ValueError for an unknown one."""
    name = os.environ.get("COURSE_SCALE") or "mini"
    if name not in SCALES:
        raise ValueError(f"COURSE_SCALE={name!r}: expected one of {', '.join(SCALES)}")
    return SCALES[name]
