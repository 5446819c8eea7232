"""What the tools know of the lessons: where they are, what they are called, how a .py becomes notebook cells."""

from __future__ import annotations

import hashlib
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

import jupytext
import nbformat
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "notebooks"
PERCENT = {
    "extension": ".py",
    "format_name": "percent",
    "notebook_metadata_filter": "-all",
    "cell_metadata_filter": "tags,-all",
}


def course_config(root: Path = ROOT) -> dict:
    """The table [tool.course] of pyproject.toml."""
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["course"]


def lesson_files(folder: Path = NOTEBOOKS, only: str | None = None, suffix: str = ".py") -> list[Path]:
    """The lessons' files in order; `only` keeps those whose name starts with it ("05", "5", "05_summarization").

    Raises:
        ValueError: `only` names no lesson.
    """
    files = sorted(folder.glob(f"[0-9][0-9]_*{suffix}"))
    if not only:
        return files
    name = re.sub(r"\.(py|ipynb)$", "", Path(only).name)
    wanted = name.zfill(2) if name.isdigit() else name
    chosen = [file for file in files if file.stem.startswith(wanted)]
    if not chosen:
        known = ", ".join(file.stem for file in files) or "none yet"
        raise ValueError(f"there is no lesson {only!r}. Lessons: {known}. Give a lesson's number, e.g. NB=05")
    return chosen


def read_source(path: Path) -> NotebookNode:
    """The notebook that a percent script describes: cells with type, source and tags, no outputs, stable ids.

    A cell's id is a hash of its content, so that editing one cell changes the id of no other and a new run none at all.
    """
    notebook = jupytext.read(path, fmt=PERCENT)
    notebook.metadata = NotebookNode(
        kernelspec={"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        language_info={"name": "python"},
    )
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    seen: dict[str, int] = {}
    for cell in notebook.cells:
        cell.metadata = NotebookNode({"tags": cell.metadata["tags"]} if cell.metadata.get("tags") else {})
        base = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:8]
        seen[base] = seen.get(base, 0) + 1
        cell.id = base if seen[base] == 1 else f"{base}-{seen[base]}"
    return notebook


def read_notebook(path: Path) -> NotebookNode:
    """The .ipynb as it stands on disk."""
    return nbformat.read(path, as_version=4)


def cell_contents(notebook: NotebookNode) -> list[tuple[str, str, tuple[str, ...]]]:
    """(type, source, tags) of every cell: what a .py and its .ipynb must agree on."""
    return [(c.cell_type, c.source.strip("\n"), tuple(c.metadata.get("tags", ()))) for c in notebook.cells]


@dataclass(frozen=True)
class LessonCard:
    """What the index page and README say of a lesson, read from the lesson's own text."""

    name: str               # "05_summarization"
    title: str              # "Summarization"
    goals: tuple[str, ...]  # the list under "What you will be able to do"
    time: str               # "1 minute on 2 CPU cores, 1 minute on a Colab GPU"

    @property
    def number(self) -> str:
        return self.name[:2]


def lesson_card(name: str, notebook: NotebookNode) -> LessonCard:
    """Read the card from the notebook's markdown.

    The title is the first `# heading` without its number, the time is the line that starts with `**Time:**`, the goals
    are the list items below the heading or line "What you will be able to do". What is not there comes back empty.
    """
    text = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    heading = re.search(r"^# +(.+)$", text, re.MULTILINE)
    title = re.sub(r"^(lesson\s+)?\d+\s*[·.:–—-]?\s*", "", heading[1].strip(), flags=re.IGNORECASE) if heading else name
    time = re.search(r"^\W*\*\*Time:?\*\*:?\s*(.+)$", text, re.MULTILINE)
    goals: list[str] = []
    after = re.split(r"what you(?:'ll| will| ’ll) be able to do[^\n]*", text, maxsplit=1, flags=re.IGNORECASE)
    if len(after) == 2:
        for line in after[1].strip().splitlines():
            item = re.match(r"(?:[-*+]|\d+[.)])\s+(.+)", line)
            if item:
                goals.append(item[1].strip())
            elif goals and line.startswith("  "):
                goals[-1] += " " + line.strip()
            elif goals and line.strip():
                break
            elif not goals and line.startswith("#"):
                break
    return LessonCard(name, title, tuple(goals), time[1].strip() if time else "")


def setup_cell(config: dict | None = None) -> str:
    """Source of the one setup cell, the same in every lesson, for the address set in pyproject.toml."""
    config = config or course_config()
    text = (ROOT / "tools" / "setup_cell.txt").read_text(encoding="utf-8").strip()
    values = {
        "repository": config["repository"].rstrip("/"),
        "name": config["repository"].rstrip("/").rsplit("/", 1)[-1],
        "branch": config["branch"],
        "missing_on_colab": " ".join(config["colab_installs"]),
    }
    return re.sub(r"<(\w+)>", lambda match: values[match[1]], text)


def colab_link(name: str, config: dict | None = None) -> str:
    """Address that opens lesson `name` in Google Colab."""
    config = config or course_config()
    slug = config["repository"].rstrip("/").removeprefix("https://github.com/")
    return f"https://colab.research.google.com/github/{slug}/blob/{config['branch']}/notebooks/{name}.ipynb"


def colab_badge(name: str, config: dict | None = None) -> str:
    """The line of markdown with lesson `name`'s Colab badge."""
    return f"[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]({colab_link(name, config)})"
