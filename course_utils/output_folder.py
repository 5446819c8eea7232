"""A folder of results that is complete or not there at all, at whatever moment the run that writes it is killed.

A run works in ``.NAME.unfinished/`` beside the folder NAME: its checkpoint lies there, what it writes at the end grows there as
``new`` and is renamed when it is complete. A folder to be replaced is first moved to ``old`` in it; if the run is killed between
these two renames, the next one puts it back. One run at a time: it holds a lock on the file ``lock`` there, which the operating
system takes back when the process ends, however it ends.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: without a lock
    fcntl = None

RESULTS = "results"  # the name of the `results.Study` in the folder
NEEDED = ("results.jsonl", "results.runs.jsonl")
ADAPTER = ("adapter_config.json", "adapter_model.safetensors")
MODEL = ("config.json", "generation_config.json", "*.safetensors", "*.safetensors.index.json", "tokenizer*",
         "special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt", "chat_template.jinja")
OWN = {"": (*NEEDED, "results.predictions.jsonl.gz", "prompt", "adapter", "model"),  # what a run writes, by folder
       "prompt": ADAPTER, "adapter": ADAPTER, "model": MODEL}
HELD = {}  # the locks of this process: folder -> open file


def check_output(folder: str | Path, overwrite: bool = False, resume: bool = False) -> Path:
    """The folder's absolute path, if a run may write there; so that this is known before hours of training, not after.

    Nobody else may then, until `new_folder` or `clean_up` is done with it. Raises FileExistsError if another process is at work
    there, if the folder exists, unless ``overwrite`` and it holds an earlier run's results and nothing else (or nothing at all),
    and if a killed run left a checkpoint beside it, unless ``resume`` or ``overwrite``; any other OSError if its parent cannot be
    written. It removes nothing: a checkpoint that is not gone on from is the caller's to drop, when it has read its input.
    """
    folder = Path(folder).expanduser().resolve()  # a link is followed: what it points to gets replaced
    new = folder not in HELD
    lock(folder)
    try:
        put_back(folder)
        if folder.exists() and not overwrite:
            raise FileExistsError(f"{folder} exists: choose another folder, or overwrite it (--overwrite)")
        if folder.exists() and (problem := not_an_output(folder)):
            raise FileExistsError(f"{folder} is not an earlier run's output, it {problem}: not overwritten, choose another")
        if checkpoint_of(folder).exists() and not (resume or overwrite):
            raise FileExistsError(
                f"a run that was to write {folder} left a checkpoint: go on (--resume), or drop it (--overwrite)")
    except OSError:
        if new:
            clean_up(folder)
        raise
    return folder


def not_an_output(folder: Path) -> str:
    """What tells a folder from the output of an earlier run; "" for one, and for an empty folder."""
    if os.path.ismount(folder):
        return "is a file system of its own"
    found = os.listdir(folder)
    for place, names in OWN.items():
        held = found if not place else os.listdir(folder / place) if (folder / place).is_dir() else []
        for name in sorted(held):
            is_place = not place and name in OWN
            if not any(fnmatchcase(name, own) for own in names) or (folder / place / name).is_dir() != is_place:
                return f"holds {Path(place, name)}"
    lacks = [name for name in NEEDED if name not in found]
    return f"lacks {', '.join(lacks)}" if found and lacks else ""


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
    shutil.rmtree(unfinished(folder), ignore_errors=True)  # all is written: what is left behind here is no error
    unlock(folder)


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
    """Remove what a failed run left, unless it can be resumed or another process is at work there; give the lock back."""
    try:
        lock(folder)
    except FileExistsError:  # such as the first of several processes, which cleans up itself
        return
    put_back(folder)
    if resumable and checkpoint_of(folder).exists():
        (unfinished(folder) / "lock").unlink(missing_ok=True)
    else:
        shutil.rmtree(unfinished(folder), ignore_errors=True)
    unlock(folder)


def lock(folder: Path) -> None:
    """Let no other process write to ``folder`` until `unlock`. FileExistsError that names the one that does."""
    path = unfinished(folder) / "lock"
    while folder not in HELD:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a+")
        try:
            if fcntl:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            with file:
                raise FileExistsError(f"process {file.read() or 'unknown'} is at work on {folder}: wait for it, or choose "
                                      "another folder") from None
        except OSError:  # a file system without locks
            pass
        if path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat()):  # not one that was removed meanwhile
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            HELD[folder] = file
        else:
            file.close()


def unlock(folder: Path) -> None:
    """Let others write to it."""
    if folder in HELD:
        HELD.pop(folder).close()
