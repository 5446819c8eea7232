"""`make lab`: copy the lessons to my_course/, which git ignores, and open JupyterLab on the first copy.

    python tools/lab.py [--no-start] [options of JupyterLab]

Solutions go into the copies, so that the repository's own lessons stay as they are. A copy that was changed is never
overwritten: where its lesson has changed as well, the new lesson is put beside it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from itertools import count
from pathlib import Path

# tools/ and course_utils/ are folders of the repository, not installed packages.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tools.lessons import ROOT, lesson_files

FOLDER = "my_course"      # one level deep, as notebooks/ is: links such as ../course_utils/batches.py lead to the same files
RECORD = ".copied.json"   # {name of a copy: checksum of the lesson that was last copied there}


def copy_lessons(root: Path) -> list[str]:
    """Bring the copies in `root`/my_course up to date; returns a line to print for each lesson that was put beside its copy.

    A copy that is missing, or unchanged since it was made, becomes the lesson as it stands now.

    Raises:
        ValueError: there are no lessons.
    """
    lessons = lesson_files(root / "notebooks", suffix=".ipynb")
    if not lessons:
        raise ValueError(f"there are no notebooks in {root / 'notebooks'}; expected files such as 01_discrete_prompts.ipynb")
    folder, notes = root / FOLDER, []
    folder.mkdir(exist_ok=True)
    record = read_record(folder)
    for lesson in lessons:
        wanted = checksum(lesson)
        names = (f"{lesson.stem}{'_new' * (n > 0)}{n if n > 1 else ''}.ipynb" for n in count())   # 05_x, 05_x_new, 05_x_new2
        for name in names:
            copy = folder / name
            found = checksum(copy)
            edited = found not in (None, record.get(name), wanted)
            # The lesson as it is now was handed out under this name: whatever became of it, there is nothing to do.
            if record.get(name) == wanted and (edited or name != lesson.name):
                break
            if not edited:
                if found != wanted:
                    write_in_one_step(copy, lesson.read_bytes())
                    if name != lesson.name:
                        notes.append(f"{lesson.name} is newer than your edited copy, which stays; the new one is {FOLDER}/{name}")
                record[name] = wanted
                # After each copy: a run that is cut short must not take its own copies for edited ones.
                write_in_one_step(folder / RECORD, json.dumps(record, indent=2).encode())
                break
    return notes


def read_record(folder: Path) -> dict[str, str]:
    """What was copied; nothing where that is not known, so that every copy counts as edited."""
    try:
        return dict(json.loads((folder / RECORD).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def checksum(path: Path) -> str | None:
    """SHA-256 of a file, None where there is none."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else None


def write_in_one_step(path: Path, content: bytes) -> None:
    """Replace a file such that a killed run leaves the old one whole."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        partial.write_bytes(content)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def main() -> int:
    parser = argparse.ArgumentParser(description="Copy the lessons to my_course/ and open JupyterLab on the first one.",
                                     epilog="Other options go to JupyterLab, e.g. --no-browser --port 9000.")
    parser.add_argument("--no-start", action="store_true", help="only copy")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    arguments, options = parser.parse_known_args()
    try:
        notes = copy_lessons(arguments.root.resolve())
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    for note in notes:
        print(f"note: {note}")
    print(f"Your copies of the lessons are in {FOLDER}/; the repository's own stay as they are.", flush=True)
    if arguments.no_start:
        return 0
    from jupyterlab.labapp import LabApp

    # From the root, not from my_course/: links in the lessons lead out of it.
    os.chdir(arguments.root)
    first = lesson_files(Path("notebooks"), suffix=".ipynb")[0].name
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--allow-root")
    LabApp.launch_instance([f"--LabApp.default_url=/lab/tree/{FOLDER}/{first}", *options])
    return 0


if __name__ == "__main__":
    sys.exit(main())
