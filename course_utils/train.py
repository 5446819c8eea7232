"""Train a soft prompt, or another system, and test it: ``python -m course_utils.train --help``."""

from __future__ import annotations

import sys
import textwrap
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

if __name__ == "__main__":  # the libraries take seconds to load: an interruption is one line then, too
    sys.excepthook = lambda kind, *more: (
        print("interrupted", file=sys.stderr) if kind is KeyboardInterrupt else sys.__excepthook__(kind, *more))

from .base_models import quiet_libraries
from .command_line import Help, Parser, notes
from .experiment import BASELINES, TRAINED, Experiment, Material, run
from .output_folder import RESULTS, check_output, checkpoint_of, clean_up, new_folder
from .processes import rank, state, world_size
from .results import Study
from .tasks import CourseWarning
from .training import TrainingConfig, TrainingDiverged, option

EXAMPLE = """
example, a few minutes on two CPU cores:
  python -m course_utils.train --task translation --prompt-length 20 --learning-rate 0.1 --output runs/translation
  python -m course_utils.generate --prompt runs/translation --task translation "Anna bought a boat on Monday."

what is written (scores and scales as in course_utils/metrics.py, losses in nats per target token):
  DIR/prompt/                       the soft prompt of the epoch with the lowest validation loss, a PEFT adapter
                                    (DIR/adapter/ or DIR/model/ for other systems)
  DIR/results.jsonl                 a number a line: losses and scores of every epoch, and the test with the prompt, with the
                                    reported hard prompt and without a model
  DIR/results.runs.jsonl            configurations, library versions, counts and times
  DIR/results.predictions.jsonl.gz  the answers to the test records
DIR appears when all of it is done; a run that fails or is killed leaves what was there before, and --resume goes on from its last
checkpoint. Several processes share the work under torchrun.
"""

FOLDERS = {"LoRA": "adapter", "full fine-tuning": "model"}


@dataclass(frozen=True)
class Output:
    """Where results go."""

    output: str = option("", "a folder that does not exist yet", required=True)
    overwrite: bool = option(False, "replace the folder if it holds the output of an earlier run and nothing else")
    resume: bool = option(False, "go on from the checkpoint of a run that was interrupted")
    checkpoint_steps: int | None = option(None, "write a checkpoint every so many steps, beside that of every epoch")
    as_reported: bool = option(False, "the original report's settings as defaults: 1 token, 10 epochs, batches of 1")

    def __post_init__(self):
        if self.checkpoint_steps is not None and self.checkpoint_steps < 1:
            raise ValueError(f"checkpoint_steps must be a whole number >= 1, got {self.checkpoint_steps}")


@notes()
def main(argv: Sequence[str] | None = None) -> None:
    """Run the command. Exit status 2 for bad input, 1 for a run that failed, 130 for an interrupted one."""
    parser = Parser(Experiment, TrainingConfig, Output, prog="python -m course_utils.train", epilog=EXAMPLE,
                    description=__doc__.split(":")[0] + ".", formatter_class=Help)
    argv = list(sys.argv[1:] if argv is None else argv)
    quiet_libraries()
    with parser.reading_input():
        experiment, training, options = parser.parse(argv)
        if options.as_reported:
            reported = TrainingConfig.as_reported()
            parser.set_defaults(prompt_length=1, epochs=reported.epochs, batch_size=reported.batch_size)
            experiment, training, options = parser.parse(argv)
        if experiment.system not in TRAINED:
            raise ValueError(f"--system {experiment.system!r} is not trained: it is tested beside every system that is")
        output = Path(options.output).expanduser().resolve()
        if rank() == 0:
            check_output(output, options.overwrite, options.resume)
            if options.resume and not checkpoint_of(output).exists():
                warnings.warn(f"there is no checkpoint of a run that was to write {output}: it starts anew", CourseWarning, 2)
        if world_size() > 1:
            state().wait_for_everyone()
    try:
        with parser.reading_input():
            material = Material(experiment, training.seed)
            _, longest = material.base, material.max_new_tokens  # loads the base model, here where an error is bad input
            records = {split: len(rows) for split, rows in material.data.items()}
            show(f"{experiment.task} with {experiment.model}, {experiment.label}; records: {records}")
        shared = {"material": material, "progress": sys.stderr.isatty(), "report": show}
        untrained = replace(experiment, prompt_init="vocab", init_text=None)
        # First of all: should the hard prompt not fit, this is known before hours of training.
        others = [run(replace(untrained, system=system), **shared) for system in ("hard prompt", BASELINES)]
        shared["report"] = show if options.resume else partial(show_and_drop, checkpoint_of(output))
        trained = run(experiment, training, checkpoint=checkpoint_of(output), checkpoint_steps=options.checkpoint_steps, **shared)
        if rank() == 0:
            with new_folder(output, options.overwrite) as folder:
                about = {"task": experiment.task, "max_new_tokens": str(longest)}
                place = folder / FOLDERS.get(experiment.system, "prompt")
                trained.system.save(place, about=about)
                if place.name == "model":  # so that it can be a base model itself
                    material.tokenizer.save_pretrained(place)
                for outcome in (trained, *others):
                    outcome.save_to(Study(RESULTS, folder))
    except KeyboardInterrupt:
        clean_up(output)
        parser.fail(f"interrupted; nothing was written to {options.output}{way_on(output)}", status=130)
    except SystemExit:  # bad input
        clean_up(output)
        raise
    except TrainingDiverged as error:  # it would again: there is nothing to go on from
        clean_up(output, resumable=False)
        parser.fail(f"{error}; nothing was written to {options.output}", status=1)
    except ValueError as error:  # what does not fit together, such as a prompt that leaves no room for the text
        clean_up(output)
        parser.fail(textwrap.shorten(str(error), 600), status=2)
    except (RuntimeError, OSError) as error:  # no memory left, no space left
        clean_up(output)
        message = textwrap.shorten(str(error), 600)
        parser.fail(f"{message}; nothing was written to {options.output}{way_on(output)}", status=1)
    show(f"Written to {options.output}")


def way_on(output: Path) -> str:
    """What to do after a run that was cut off."""
    return "; --resume goes on from the last checkpoint" if checkpoint_of(output).exists() else ""


def show_and_drop(checkpoint: Path, label: str, scores: dict | None = None) -> None:
    """`show`; when training starts, all input has been read: only now an old checkpoint that nobody goes on from may go."""
    if label == "start":
        if rank() == 0:
            checkpoint.unlink(missing_ok=True)
        if world_size() > 1:
            state().wait_for_everyone()
    show(label, scores)


def show(label: str, scores: dict | None = None) -> None:
    """A line of output, from the first process alone."""
    if rank() == 0:
        values = ", ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in (scores or {}).items())
        print(f"{label.removesuffix(':')}: {values}" if values else label, flush=True)


if __name__ == "__main__":
    main()
