"""Measure every system of the course on one task, into the study "compare" of ``data/results`` (see `course_utils.results`).

Prompts and learning rates are chosen on validation, the study "compare.tried". Started again, it goes on where it was stopped.
"""

import argparse
import os
import sys
from dataclasses import asdict, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("HF_HUB_OFFLINE", "1")

from course_utils import TASKS, Experiment, Study, TrainingConfig, get_task, join_target, make_system, run  # noqa: E402
from course_utils.experiment import BASELINES, Material  # noqa: E402
from course_utils.results import config_hash  # noqa: E402

SOFT, FULL = TrainingConfig(epochs=4, learning_rate=0.1), TrainingConfig(epochs=8)   # three left FULL far from done: data/README.md
RATES, LENGTHS, SHOTS = (3e-4, 5e-4, 1e-3), (1, 5, 20), 2   # for FULL; virtual tokens; examples: more do not fit beside a report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("task", choices=TASKS)
    parser.add_argument("--model", default="course-gpt2-m")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--max-train", type=int)
    parser.add_argument("--max-eval", type=int)
    parser.add_argument("--folder", type=Path, default=ROOT / "data" / "results")
    args = parser.parse_args()
    base, task = Experiment(args.task, args.model, max_train=args.max_train, max_eval=args.max_eval), get_task(args.task)
    material, study, tried = Material(base), Study("compare", args.folder), Study("compare.tried", args.folder)

    def measure(training: TrainingConfig | None = None, into: Study = study, **changes) -> str:
        experiment = replace(base, **changes)
        run(experiment, training, into, material, report=lambda *news: print(*news, flush=True))
        return config_hash({**asdict(experiment), "training": asdict(training) if training else None})

    def on_validation(key: str, metric: str) -> list[float]:
        return [row["value"] for row in tried.read() if (row["run"], row["split"], row["metric"]) == (key, "validation", metric)]

    def score(prompt: str) -> float:
        config = asdict(replace(base, system="hard prompt", hard_prompt=prompt)) | {"split": "validation"}
        if not tried.has(key := config_hash(config)):
            scores = material.scores(make_system("hard prompt", material.base, task, hard_prompt=prompt), "validation", 32, False)
            row = dict(task=task.name, base=args.model, system=f"hard prompt: {prompt}", seed=None, split="validation", step=None)
            tried.add(key, config, [row | dict(metric=name, value=scores[name], n=scores["n"]) for name in ("loss", *task.metrics)])
        return max(on_validation(key, task.main_metric))

    def full(seed: int, rate: float, into: Study = study) -> str:
        return measure(replace(FULL, seed=seed, learning_rate=rate), into, system="full fine-tuning")

    measure(system=BASELINES)
    measure(system="hard prompt")   # as reported
    measure(system="hard prompt", hard_prompt=max(task.hand_written, key=score))
    for seed in args.seeds:
        solved = [task.source(record) + join_target(task.source(record), task.target(record))
                  for record in material.data["train"].shuffle(seed=seed).select(range(SHOTS))]
        measure(system="hard prompt", hard_prompt="\n".join([*solved, "{source}"]))
        for length in LENGTHS:
            measure(replace(SOFT, seed=seed), prompt_length=length)
    rate = min(RATES, key=lambda rate: min(on_validation(full(args.seeds[0], rate, tried), "loss")))
    for seed in args.seeds:
        full(seed, rate)


if __name__ == "__main__":
    main()
