"""Train a soft prompt, or another system, and test it: ``python -m course_utils.train --help``."""

from __future__ import annotations

import sys
from argparse import RawDescriptionHelpFormatter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from .base_models import quiet_libraries
from .command_line import Parser
from .experiment import BASELINES, TRAINED, Experiment, Material, run
from .output_folder import RESULTS, check_output, checkpoint_of, clean_up, new_folder
from .processes import rank, state, world_size
from .results import Study
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


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command. Exit status 2 for bad input, 1 for a run that failed, 130 for an interrupted one."""
    parser = Parser(Experiment, TrainingConfig, Output, prog="python -m course_utils.train", epilog=EXAMPLE,
                    description=__doc__.split(":")[0] + ".", formatter_class=RawDescriptionHelpFormatter)
    argv = list(sys.argv[1:] if argv is None else argv)
    if "--as-reported" in argv or "--as_reported" in argv:
        reported = TrainingConfig.as_reported()
        parser.set_defaults(prompt_length=1, epochs=reported.epochs, batch_size=reported.batch_size)
    with parser.reading_input():
        experiment, training, options = parser.parse_args_into_dataclasses(argv, look_for_args_file=False)
        if experiment.system not in TRAINED:
            raise ValueError(f"--system {experiment.system!r} is not trained: it is tested beside every system that is")
        quiet_libraries()
        if rank() == 0:
            output = check_output(options.output, options.overwrite, options.resume)
        if world_size() > 1:
            state().wait_for_everyone()
        output = Path(options.output).expanduser().resolve()
        material = Material(experiment, training.seed)
        records = {split: len(rows) for split, rows in material.data.items()}
        show(f"{experiment.task} with {experiment.model}, {experiment.label}; records: {records}")
    try:
        shared = {"material": material, "progress": sys.stderr.isatty(), "report": show}
        trained = run(experiment, training, checkpoint=checkpoint_of(output), checkpoint_steps=options.checkpoint_steps, **shared)
        untrained = replace(experiment, prompt_init="vocab", init_text=None)
        others = [run(replace(untrained, system=system), **shared) for system in ("hard prompt", BASELINES)]
        if rank() == 0:
            with new_folder(output, options.overwrite) as folder:
                about = {"task": experiment.task, "max_new_tokens": str(material.max_new_tokens)}
                trained.system.save(folder / FOLDERS.get(experiment.system, "prompt"), about=about)
                for outcome in (trained, *others):
                    outcome.save_to(Study(RESULTS, folder))
    except KeyboardInterrupt:
        clean_up(output)
        parser.fail(f"interrupted; nothing was written to {options.output}{way_on(output)}", status=130)
    except (TrainingDiverged, torch.OutOfMemoryError, OSError) as error:
        clean_up(output)
        parser.fail(f"{error}; nothing was written to {options.output}{way_on(output)}", status=1)
    show(f"Written to {options.output}")


def way_on(output: Path) -> str:
    return "; --resume goes on from the last checkpoint" if checkpoint_of(output).exists() else ""


def show(label: str, scores: dict | None = None) -> None:
    """A line of output, from the first process alone."""
    if rank() == 0:
        values = ", ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in (scores or {}).items())
        print(label + (f": {values}" if values else ""), flush=True)


if __name__ == "__main__":
    main()
