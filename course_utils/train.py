"""Train a soft prompt and test it against the reported hard prompt: ``python -m course_utils.train --help``."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from itertools import islice

import torch

from .base_models import COURSE_MODELS, load_base_model
from .command_line import Parser, at_least
from .data import EncodedDataset, encode, load_task_data, token_ids
from .evaluation import evaluate, max_positions, source_room, trivial_baselines
from .notebook import quiet_libraries, versions
from .output_folder import PROMPT, RESULTS, check_output, new_folder
from .prompt_init import INITS
from .soft_prompt import GPT2WithSoftPrompt
from .tasks import TASKS, get_task
from .training import TrainingConfig, TrainingDiverged, fit, require_finite

EXAMPLE = """
example, a few minutes on two CPU cores:
  python -m course_utils.train --task translation --prompt-length 20 --learning-rate 0.1 --output runs/translation
  python -m course_utils.generate --prompt runs/translation/prompt --task translation "Anna bought a boat on Monday."

what is written (scores and scales as in course_utils/metrics.py, losses in nats per target token):
  DIR/prompt/       the soft prompt of the epoch with the lowest validation loss, a PEFT adapter
  DIR/results.json  configuration, losses and scores of every epoch, the test with the soft prompt, with the reported
                    hard prompt and without a model (baselines), ten samples. "truncated" counts the sources that
                    were cut, over all splits; "seconds": "train" holds training and validation losses, "evaluate"
                    the answers generated for validation and test data.
DIR appears when all of it is done; a run that fails or is killed leaves what was there before.
"""


def make_parser() -> Parser:
    """All options; their defaults come from `TrainingConfig`, or with --as-reported from the original report."""
    parser = Parser(prog="python -m course_utils.train", description=__doc__.split(":")[0] + ".", epilog=EXAMPLE)
    config, add = TrainingConfig(), parser.add_argument_group("what to learn").add_argument
    add("--task", required=True, choices=TASKS)
    add("--model", default="course-gpt2-m", metavar="NAME|FOLDER|HUB", help=f"the frozen base model: {', '.join(COURSE_MODELS)}, "
        "smollm2 (see README.md), a folder, or a decoder-only model on the Hugging Face hub (default: %(default)s)")
    add("--data", default="embedded", metavar="embedded|hub|FOLDER", help="the course's own data; the task's public dataset; "
        "or a folder with train.jsonl, validation.jsonl and test.jsonl, records as in data/README.md (default: %(default)s)")
    add("--max-train", type=at_least(1), metavar="N", help="use N training records, drawn with --seed (default: all)")
    add("--max-eval", type=at_least(1), metavar="N", help="use N validation and N test records, drawn with --seed. Answers "
        "are generated for every validation record after every epoch, which takes time: think of N (default: all)")
    add("--max-source-tokens", type=at_least(1), metavar="N", help="cut longer sources: the text only, never question, "
        "cue, prompt or target (default: what the base model has room for)")
    add = parser.add_argument_group("the soft prompt").add_argument
    add("--prompt-length", type=at_least(1), default=20, metavar="N", help="virtual tokens (default: %(default)s)")
    add("--prompt-init", choices=INITS, default="vocab",
        help="start from frequent tokens, random vectors or a text's tokens (default: %(default)s)")
    add("--init-text", metavar="TEXT", help="for --prompt-init text (default: the reported hard prompt)")
    add = parser.add_argument_group("training").add_argument
    add("--epochs", type=at_least(1), default=config.epochs, metavar="N", help="passes over the records (default: %(default)s)")
    add("--batch-size", type=at_least(1), default=config.batch_size, metavar="N", help="records per step (default: %(default)s)")
    add("--learning-rate", type=float, default=config.learning_rate, metavar="RATE",
        help="the highest one, after warm-up (default: %(default)s); a 20-token prompt may like 0.1")
    add("--seed", type=at_least(0), default=0, metavar="N", help="draws records, start and batches (default: %(default)s)")
    add("--as-reported", action="store_true", help="the original report's settings as defaults: 1 token, 10 epochs, batch "
        "size 1. An option given beside it still counts")
    add = parser.add_argument_group("output").add_argument
    add("--output", required=True, metavar="DIR", help="a folder that does not exist yet")
    add("--overwrite", action="store_true", help="replace DIR if it holds the output of an earlier run and nothing else")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command. Exit status 2 for bad input, 1 for a run that failed, 130 for an interrupted one."""
    parser = make_parser()
    args = parser.parse_args(argv)
    if args.as_reported:
        reported = TrainingConfig.as_reported()
        parser.set_defaults(prompt_length=1, epochs=reported.epochs, batch_size=reported.batch_size)
        args = parser.parse_args(argv)
    if args.init_text is not None and args.prompt_init != "text":
        parser.error("--init-text needs --prompt-init text")
    try:
        with parser.reading_input():
            output = check_output(args.output, args.overwrite)
            settings = {name: getattr(args, name) for name in ("epochs", "batch_size", "learning_rate", "seed")}
            run = Run(args, TrainingConfig.as_reported(**settings) if args.as_reported else TrainingConfig(**settings))
        results = run.results()
        with new_folder(output, args.overwrite) as folder:
            run.model.save_prompt(folder / PROMPT)
            text = json.dumps(results, indent=2, ensure_ascii=False, allow_nan=False)
            (folder / RESULTS).write_text(text + "\n", encoding="utf-8")
    except (TrainingDiverged, torch.OutOfMemoryError, OSError) as error:
        parser.fail(f"{error}; nothing was written to {args.output}", status=1)
    except KeyboardInterrupt:
        parser.fail(f"interrupted; nothing was written to {args.output}", status=130)
    print(f"Written to {args.output}")


class Run:
    """One run. Making it loads and checks everything, so that what can go wrong goes wrong before the training."""

    def __init__(self, args: argparse.Namespace, config: TrainingConfig):
        quiet_libraries()
        self.args, self.config, self.task, self.progress = args, config, get_task(args.task), sys.stderr.isatty()
        self.epochs, self.seconds = [], {"train": 0.0, "evaluate": 0.0}
        self.init_text = self.task.hard_prompt if args.init_text is None else args.init_text
        self.data = load_task_data(args.task, args.data, args.max_train, args.max_eval, args.seed)
        base, self.tokenizer = load_base_model(args.model)
        self.encoded = {split: self.encode(split, base, args.prompt_length) for split in self.data}
        self.encode("test", base, 0, self.task.hard_prompt)  # only to see that there is room
        self.model = GPT2WithSoftPrompt(
            base, [self.task.soft_token], args.prompt_length, args.prompt_init, self.init_text, self.tokenizer, args.seed
        )

    def source_limit(self, hard_prompt: str | None = None) -> int | None:
        """--max-source-tokens, and as many for a hard prompt: it stands in the source, but should not cost any text."""
        prompt_tokens = len(token_ids(self.tokenizer, hard_prompt)) if hard_prompt else 0
        return self.args.max_source_tokens and self.args.max_source_tokens + prompt_tokens

    def encode(self, split: str, base, prompt_length: int, hard_prompt: str | None = None) -> EncodedDataset:
        """The records of a split with the same source texts that `evaluate` reads."""
        reserved, limit = prompt_length + self.task.max_new_tokens, self.source_limit(hard_prompt)
        room = source_room(base, self.tokenizer, reserved, limit)
        positions = max_positions(base) or self.tokenizer.model_max_length
        return encode(self.data[split], self.task, self.tokenizer, positions, prompt_length, hard_prompt, room)

    def results(self) -> dict:
        """Train, test, and return what results.json holds."""
        truncated = sum(encoded.truncated for encoded in self.encoded.values())
        records = {split: len(rows) for split, rows in self.data.items()}
        parameters = self.model.soft_embedding.weight.numel()
        print(f"{self.task.name} with {self.args.model}: prompt length {self.args.prompt_length}, {parameters:,} trainable "
              f"parameters; records: {records}; sources cut: {truncated}", flush=True)
        log = fit(self.model, self.encoded["train"], self.encoded["validation"], self.config, self.after_epoch, self.progress)
        soft, soft_texts = self.scores(self.model, "test")
        show(f"Test, soft prompt of epoch {log.best_epoch}", soft)
        hard, hard_texts = self.scores(self.model.base_model, "test", self.task.hard_prompt)
        show(f"Test, hard prompt {self.task.hard_prompt!r}", hard)
        baselines = trivial_baselines(self.task, self.data["test"], self.data["train"])
        baselines = {name: {key: scores[key] for key in self.task.metrics} for name, scores in baselines.items()}
        for name, scores in baselines.items():
            show(f"Test, {name}", scores)
        texts = zip(self.data["test"], soft_texts, hard_texts, strict=True)
        samples = [
            {"source": self.task.source(record), "target": self.task.target(record), "soft": soft_text, "hard": hard_text}
            for record, soft_text, hard_text in islice(texts, 10)
        ]
        return {
            "task": self.task.name,
            "base_model": self.args.model,
            **{key: getattr(self.args, key) for key in ("data", "prompt_length", "seed")},
            "trainable_parameters": parameters,
            "config": {
                **asdict(self.config),
                **{key: getattr(self.args, key) for key in ("prompt_init", "max_train", "max_eval", "max_source_tokens")},
                "init_text": self.init_text if self.args.prompt_init == "text" else None,
                "hard_prompt": self.task.hard_prompt,
                "records": records,
            },
            "versions": versions(),
            "epochs": self.epochs,
            "test": {"soft": soft, "hard": hard, "baselines": baselines},
            "samples": samples,
            "truncated": truncated,
            "seconds": {name: round(seconds, 2) for name, seconds in self.seconds.items()},
        }

    def after_epoch(self, row: dict) -> None:
        """Score answers to the validation records, and keep and print the epoch's results."""
        self.seconds["train"] += row["seconds"]
        scores, _ = self.scores(self.model, "validation")
        losses = {"train_loss": row["train_loss"], "validation_loss": row["validation_loss"]}
        metrics = {key: scores[key] for key in self.task.metrics}
        self.epochs.append({**losses, "validation": metrics})
        show(f"Epoch {row['epoch']}/{self.config.epochs}", losses | metrics)

    def scores(self, model, split: str, hard_prompt: str | None = None) -> tuple[dict[str, float], list[str]]:
        """Loss and metrics of a model on a split, and its answers."""
        start, limit = time.perf_counter(), self.source_limit(hard_prompt)
        result = evaluate(model, self.tokenizer, self.task, self.data[split], hard_prompt, None,
                          self.config.eval_batch_size, progress=self.progress, max_source_tokens=limit)
        require_finite(result["loss"], f"{split} loss", self.config)
        self.seconds["evaluate"] += time.perf_counter() - start
        return {key: result[key] for key in ("loss", *self.task.metrics)}, result["predictions"]


def show(label: str, scores: dict[str, float]) -> None:
    print(f"{label}: " + ", ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in scores.items()), flush=True)


if __name__ == "__main__":
    main()
