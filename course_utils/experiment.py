"""One measurement: a validated configuration in, tidy rows out."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy

from .base_models import load_base_model
from .batches import encode, max_positions, tokenize
from .discrete_search import search
from .evaluation import evaluate, score_answers, trivial_baselines, unigram_loss
from .processes import state, world_size
from .prompt_init import INITS
from .records import load_task_data
from .results import Study, config_hash
from .systems import SYSTEMS, make_system
from .tasks import TASKS, get_task, join_target
from .training import TrainingConfig, TrainingLog, fit, option, require_finite

BASELINES = "baselines"  # answers that need no model, and the unigram loss
TRAINED = tuple(name for name in SYSTEMS if name != "hard prompt")
OWN_BASE = ("prompt tuning, PEFT", "LoRA", "full fine-tuning")  # these change the base model: it must be nobody else's


@dataclass(frozen=True)
class Experiment:
    """What is measured. Every field is an option of `python -m course_utils.train`; how to train: `TrainingConfig`."""

    task: str = field(metadata={"help": "the task: " + ", ".join(TASKS), "choices": list(TASKS)})
    model: str = option("course-gpt2-m", "base model: a course model, smollm2 (see README.md), a folder, or the name of a "
                        "decoder-only model on the Hugging Face hub")
    system: str = option("soft prompt", "what is trained", choices=[*SYSTEMS, BASELINES])
    prompt_length: int = option(20, "virtual tokens of a prompt")
    prompt_init: str = option("vocab", "start from frequent tokens, random vectors of a token's length, a text's tokens, N(0, 1) "
                              "or the first rows of the table", choices=list(INITS))
    init_text: str | None = option(None, "for --prompt-init text (if not given: the reported hard prompt)")
    hard_prompt: str | None = option(None, "words to compare with, around {source} or in front (if not given: the reported)")
    rank: int = option(8, "LoRA's rank")
    data: str = option("embedded", "the course's own records; control: the same in a target style that words can ask for; hub: "
                       "the task's public dataset; or a folder with train, validation and test, each a .jsonl, .json, .jsonl.gz, "
                       ".csv or .parquet, records as in data/README.md")
    test_from: str | None = option(None, "divide the validation records, where there is no test split", choices=["validation"])
    max_train: int | None = option(None, "use so many training records, drawn with the seed (if not given: all)")
    max_eval: int | None = option(None, "use so many validation and as many test records (if not given: all)")
    max_scored: int | None = option(None, "answer so many validation records after every epoch, the first ones, or 0: the best "
                                    "epoch is that of the lowest loss (if not given: all, which takes time)")
    repeat: int = option(1, "go so often through the training records in an epoch, so that few get as many steps as many")
    max_source_tokens: int | None = option(None, "cut longer sources: the text only, never question, cue, prompt or target")
    max_new_tokens: int | None = option(None, "longest answer (if not given: that of 99 in 100 training targets)")
    base_dtype: str = option("auto", "a frozen base model's weights; auto: bfloat16 where the processor has it, but not for the "
                             "course's own", choices=["auto", "float32", "bfloat16"])

    def __post_init__(self):
        get_task(self.task)
        for name, known in (("system", (*SYSTEMS, BASELINES)), ("prompt_init", INITS)):
            if getattr(self, name) not in known:
                raise ValueError(f"{name} must be one of {', '.join(known)}, got {getattr(self, name)!r}")
        limits = ("max_train", "max_eval", "max_scored", "max_source_tokens", "max_new_tokens")
        for name in ("prompt_length", "rank", "repeat", *limits):
            value, least = getattr(self, name), int(name != "max_scored")
            optional = value is None and name.startswith("max_")
            if not optional and (not isinstance(value, int) or value < least):
                raise ValueError(f"{name} must be a whole number >= {least}, got {value!r}")
        if self.init_text is not None and (self.prompt_init != "text" or not self.init_text.strip()):
            raise ValueError(f"init_text needs prompt_init text, and words, got {self.init_text!r}")

    @property
    def label(self) -> str:
        """The system with what tells it from others of its kind, as tables show it."""
        if self.system == "hard prompt":
            return f"hard prompt: {get_task(self.task).hard_prompt if self.hard_prompt is None else self.hard_prompt}"
        has_length = self.system not in ("LoRA", "full fine-tuning", BASELINES)
        return f"{self.system}, {self.prompt_length} token{'s' * (self.prompt_length > 1)}" if has_length else self.system


@dataclass
class Outcome:
    """What a run gave: tidy ``rows``, ``predictions`` for the test records, the training's ``log``, the ``system`` with its best
    weights, counts and times in ``about``; ``config`` is what it was asked for, ``run`` the hash of that."""

    run: str
    config: dict
    rows: list[dict] = field(default_factory=list)
    predictions: list[str] | None = None
    log: TrainingLog | None = None
    system: object = None
    about: dict = field(default_factory=dict)

    def save_to(self, study: Study) -> None:
        study.add(self.run, self.config, self.rows, self.predictions, **self.about)


SHARED = ("task", "model", "data", "test_from", "max_train", "max_eval", "max_source_tokens", "max_new_tokens", "base_dtype")


class Material:
    """Records, base model and answer length that experiments on one task, model and data share. The model loads when needed."""

    def __init__(self, experiment: Experiment, seed: int = 0):
        self.experiment, self.task, self.seed = experiment, get_task(experiment.task), seed
        limits = (experiment.max_train, experiment.max_eval)
        self.data = load_task_data(self.task, experiment.data, *limits, seed, experiment.test_from)
        self.records = config_hash({split: list(rows) for split, rows in self.data.items()})

    def check(self, experiment: Experiment, seed: int) -> None:
        """Raise ValueError if this is not the material of that experiment."""
        for name in SHARED:
            ours, theirs = getattr(self.experiment, name), getattr(experiment, name)
            if ours != theirs:
                raise ValueError(f"the material was made for {name} {ours!r}, the experiment has {theirs!r}: make its own")
        if experiment.max_train and seed != self.seed:
            raise ValueError(f"the material's records were drawn with seed {self.seed}, the experiment has {seed}: make its own")

    @functools.cached_property
    def loaded(self) -> tuple:
        """Base model and tokenizer."""
        return self.load_base()

    base = property(lambda self: self.loaded[0])
    tokenizer = property(lambda self: self.loaded[1])

    @functools.cached_property
    def max_new_tokens(self) -> int:
        """The longest answer, in tokens."""
        return self.experiment.max_new_tokens or self.answer_length()

    def load_base(self, dtype: str | None = None):
        device = state().device if world_size() > 1 else None
        return load_base_model(self.experiment.model, device, dtype or self.experiment.base_dtype)

    def answer_length(self) -> int:
        """As long as 99% of the training targets, end token included, but no more than half of the model's positions."""
        targets = [join_target("x", self.task.target(record)) for record in self.data["train"]]
        lengths = [len(ids) + 1 for ids in tokenize(self.tokenizer, targets)]
        positions = max_positions(self.base) or self.tokenizer.model_max_length
        return max(1, min(int(numpy.quantile(lengths, 0.99, method="higher")), positions // 2))

    @property
    def limits(self) -> dict[str, int | None]:
        """How long answers and sources may be, as `encode` and `evaluate` take it."""
        return {"max_new_tokens": self.max_new_tokens, "max_source_tokens": self.experiment.max_source_tokens}

    def encoded(self, split: str, system):
        try:
            hard_prompt = getattr(system, "hard_prompt", None)
            return encode(self.data[split], self.task, self.tokenizer, system, hard_prompt, **self.limits)
        except ValueError as error:
            raise ValueError(f"split {split!r}, {error}") from None

    def scores(self, system, split: str, batch_size: int, progress: bool) -> dict:
        options = {"batch_size": batch_size, "progress": progress, **self.limits}
        return evaluate(system, self.tokenizer, self.task, self.data[split], **options)



def run(
    experiment: Experiment,
    training: TrainingConfig | None = None,
    study: Study | None = None,
    material: Material | None = None,
    progress: bool = False,
    report: Callable[[str, dict], None] | None = None,
    checkpoint: Path | None = None,
    checkpoint_steps: int | None = None,
    test: bool = True,
    prepare: Callable[[object], None] | None = None,
) -> Outcome | None:
    """Measure one system on a task: train it, if it is trained, with validation scores after each epoch; test it once.

    ``test=False`` is for choices, which are made on validation: what is trained is not tested, what is not trained is measured on
    the validation records, and there are no predictions. ``prepare(system)`` may change what no option does, before training.

    With a ``study`` the rows are added to it, with configuration, versions and the predictions of the test records; a run that is
    there already is not repeated, and None comes back. ``material`` may be shared with other runs on the same data and model.
    ``report(label, scores)`` is told every epoch and the test. ``checkpoint``: see `training.fit`.

    Raises ValueError for what does not fit together, `training.TrainingDiverged` if a loss is not finite.
    """
    training = (training or TrainingConfig()) if experiment.system in TRAINED else None
    material = material or Material(experiment, training.seed if training else 0)
    material.check(experiment, training.seed if training else material.seed)
    config = {**asdict(experiment), "records": material.records, "training": asdict(training) if training else None}
    if not test:
        config["test"] = False
    if study and study.has(config_hash(config)):
        return None
    report = report or (lambda label, scores: None)
    task, seed = material.task, training.seed if training else None
    outcome = Outcome(config_hash(config), config)

    def add(split: str, scores: dict, step: int | None = None, label: str = experiment.label, n: int | None = None) -> None:
        keys = {"task": task.name, "base": experiment.model, "system": label, "seed": seed, "split": split, "step": step}
        outcome.rows += [{**keys, "metric": metric, "value": float(scores[metric]), "n": n or len(material.data[split])}
                         for metric in ("loss", *task.metrics) if metric in scores]

    if experiment.system == BASELINES:
        for label, scores in trivial_baselines(task, material.data["test"], material.data["train"]).items():
            add("test", scores, label=label)
            report(f"Test, {label}", {key: scores[key] for key in task.metrics})
        add("test", {"loss": unigram_loss(material.encoded("train", material.base), material.encoded("test", material.base))},
            label="unigram frequencies")
        if study:
            outcome.save_to(study)
        return outcome
    base = material.base
    if experiment.system in OWN_BASE:
        base, _ = material.load_base("float32" if experiment.system == "full fine-tuning" else None)
    system = outcome.system = make_system(
        experiment.system, base, task, experiment.prompt_length, experiment.prompt_init,
        task.hard_prompt if experiment.init_text is None else experiment.init_text, material.tokenizer, seed or 0,
        experiment.hard_prompt, experiment.rank)
    if prepare:
        prepare(system)
    batch_size = training.eval_batch_size if training else 32
    trained = [weight for weight in system.parameters() if weight.requires_grad and training]
    outcome.about["trainable_parameters"] = sum(weight.numel() for weight in trained)
    if training:
        sets = {split: material.encoded(split, system) for split in material.data}
        outcome.about |= {name: sum(getattr(each, name) for each in sets.values()) for name in ("truncated", "too_long")}
        report("start", outcome.about | {"max_new_tokens": material.max_new_tokens})
        sets["train"] = sets["train"].repeated(experiment.repeat)
        steps = -(-len(sets["train"]) // (training.batch_size * training.gradient_accumulation_steps))
        scored = sets["validation"].first(experiment.max_scored)
        to_answer = material.data["validation"].select(range(len(scored)))

        def after_epoch(row: dict) -> dict:
            start, scores = time.perf_counter(), {}
            if len(scored):
                scores, _ = score_answers(system, material.tokenizer, task, to_answer, scored, material.max_new_tokens,
                                          batch_size, progress)
            report(f"Epoch {row['epoch']}/{training.epochs}", {k: row[k] for k in ("train_loss", "validation_loss")} | scores)
            return {"validation": scores, "seconds_scoring": time.perf_counter() - start}

        if experiment.system == "discrete search":
            outcome.log = search(system, sets["train"], sets["validation"], training, after_epoch, progress)
            outcome.about |= {**system.found(), "forwards": outcome.log.epochs[-1]["forwards"]}
        else:
            options = (training, after_epoch, progress, checkpoint, checkpoint_steps, outcome.run)
            outcome.log = fit(system, sets["train"], sets["validation"], *options)
        for row in outcome.log.epochs:
            add("train", {"loss": row["train_loss"]}, row["epoch"] * steps)
            add("validation", {"loss": row["validation_loss"]}, row["epoch"] * steps)
            add("validation", row["validation"], row["epoch"] * steps, n=len(scored))
        outcome.about |= {"best_epoch": outcome.log.best_epoch, "seconds": sum(row["seconds"] for row in outcome.log.epochs)}
    if test or not training:
        split = "test" if test else "validation"
        result = material.scores(system, split, batch_size, progress)
        require_finite(result["loss"], f"{split} loss", training or TrainingConfig())
        outcome.predictions = result["predictions"] if test else None
        outcome.about |= {f"{split}_{key}": result[key] for key in ("truncated", "too_long")}
        add(split, result, outcome.log.best_epoch * steps if training else None)
        report(f"{split.capitalize()}, {experiment.label}", {key: result[key] for key in ("loss", *task.metrics)})
    if study:
        outcome.save_to(study)
    return outcome
