"""A folder of results that is complete or not there at all, at whatever moment the run that writes it is killed.

A run works in ``.NAME.unfinished/`` beside the folder NAME: its checkpoint lies there, what it writes at the end grows there as
``new`` and is renamed when it is complete. A folder to be replaced is first moved to ``old`` in it; if the run is killed between
these two renames, the next one puts it back.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

RESULTS = "results"  # the name of the `results.Study` in the folder
OWN = {"prompt", "adapter", "model", "results.jsonl", "results.runs.jsonl", "results.predictions.jsonl.gz"}


def check_output(folder: str | Path, overwrite: bool = False, resume: bool = False) -> Path:
    """The folder's absolute path, if a run may write there; so that this is known before hours of training, not after.

    Raises FileExistsError if it exists, unless ``overwrite`` and it holds an earlier run's results and nothing else (or
    nothing at all), and if a killed run left a checkpoint beside it, unless ``resume`` or ``overwrite``; any other OSError if
    its parent cannot be written.
    """
    folder = Path(folder).expanduser().resolve()  # a link is followed: what it points to gets replaced
    put_back(folder)
    if folder.exists() and not overwrite:
        raise FileExistsError(f"{folder} exists: choose another folder, or overwrite it (--overwrite)")
    if folder.exists() and (os.path.ismount(folder) or not set(os.listdir(folder)) <= OWN):
        raise FileExistsError(
            f"{folder} is not an earlier run's output (only {', '.join(sorted(OWN))}), so it is not overwritten: choose another")
    if checkpoint_of(folder).exists() and not (resume or overwrite):
        raise FileExistsError(f"a run that was to write {folder} left a checkpoint: go on (--resume), or drop it (--overwrite)")
    if not resume:
        shutil.rmtree(unfinished(folder), ignore_errors=True)
    unfinished(folder).mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def new_folder(folder: Path, overwrite: bool = False) -> Iterator[Path]:
    """An empty folder to write into; it becomes ``folder`` when the block ends without an error."""
    check_output(folder, overwrite, resume=True)  # again: somebody may have made it since
    new, old, replaced = (unfinished(folder) / name for name in ("new", "old", "replaced"))
    for left in (new, replaced):
        shutil.rmtree(left, ignore_errors=True)
    new.mkdir(parents=True)
    yield new
    if folder.exists():
        os.rename(folder, old)
    os.rename(new, folder)
    if old.exists():
        os.rename(old, replaced)  # half removed, it must not be put back
    shutil.rmtree(unfinished(folder))


def unfinished(folder: Path) -> Path:
    """Where a run works until ``folder`` is complete."""
    return folder.parent / f".{folder.name}.unfinished"


def checkpoint_of(folder: Path) -> Path:
    """Where its checkpoint lies meanwhile."""
    return unfinished(folder) / "checkpoint.safetensors"


def put_back(folder: Path) -> None:
    """Put a folder back that a killed run had moved away and not replaced."""
    old = unfinished(folder) / "old"
    if old.is_dir() and not folder.exists():
        os.rename(old, folder)


def clean_up(folder: Path, resumable: bool = True) -> None:
    """Remove what a failed run left, unless it can be resumed."""
    put_back(folder)
    if not (resumable and checkpoint_of(folder).exists()):
        shutil.rmtree(unfinished(folder), ignore_errors=True)
