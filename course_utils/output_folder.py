"""A folder of results that is complete or not there at all, at whatever moment the run that writes it is killed.

A run writes into ``.NAME.unfinished/new`` beside the folder NAME and renames that when it is complete. A folder to be
replaced is first moved to ``.NAME.unfinished/old``; if the run is killed between these two renames, the next one puts it back.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .prompt_files import CONFIG, WEIGHTS

PROMPT, RESULTS = "prompt", "results.json"
FILES = {Path(RESULTS), Path(PROMPT, CONFIG), Path(PROMPT, WEIGHTS)}


def check_output(folder: str | Path, overwrite: bool = False) -> Path:
    """The folder's absolute path, if a run may write there; so that this is known before hours of training, not after.

    Raises FileExistsError if it exists, unless ``overwrite`` and it holds an earlier run's results and nothing else (or
    nothing at all); any other OSError if its parent cannot be written.
    """
    folder = Path(folder).expanduser().resolve()  # a link is followed: what it points to gets replaced
    tidy_up(folder)
    if folder.exists() and not overwrite:
        raise FileExistsError(f"{folder} exists: choose another folder, or overwrite it (--overwrite)")
    if folder.exists() and (os.path.ismount(folder) or files_in(folder) not in (FILES, set())):
        raise FileExistsError(
            f"{folder} is not an earlier run's output (just {PROMPT}/ and {RESULTS}), so it is not overwritten: choose another"
        )
    unfinished(folder).mkdir(parents=True)
    unfinished(folder).rmdir()
    return folder


@contextmanager
def new_folder(folder: Path, overwrite: bool = False) -> Iterator[Path]:
    """An empty folder to write `FILES` into; it becomes ``folder`` when the block ends without an error."""
    check_output(folder, overwrite)  # again: somebody may have made it since
    new, old = unfinished(folder) / "new", unfinished(folder) / "old"
    try:
        new.mkdir(parents=True)
        yield new
        if folder.exists():
            os.rename(folder, old)
        os.rename(new, folder)
    finally:
        tidy_up(folder)


def unfinished(folder: Path) -> Path:
    return folder.parent / f".{folder.name}.unfinished"


def tidy_up(folder: Path) -> None:
    """Put a complete old folder back unless there is a new one; remove the rest of what a run left, killed or not."""
    old = unfinished(folder) / "old"
    if old.is_dir() and not folder.exists() and files_in(old) == FILES:
        os.rename(old, folder)
    if unfinished(folder).exists():
        shutil.rmtree(unfinished(folder))


def files_in(folder: Path) -> set[Path]:
    """What a folder holds, as paths relative to it; of folders in it only ``prompt/`` is looked into."""
    found = {Path(name) for name in os.listdir(folder)}
    if (folder / PROMPT).is_dir():
        found |= {Path(PROMPT, name) for name in os.listdir(folder / PROMPT)}
    return found - {Path(PROMPT)}
