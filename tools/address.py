"""`make badges`: write the repository's address, set once in pyproject.toml, wherever it appears.

    python tools/address.py [https://github.com/you/your-course]

With an address, pyproject.toml is changed first. Then every lesson (.py and .ipynb) gets its Colab badge and the one setup
cell of tools/setup_cell.txt, and README.md its links, the clone command and the course map with measured times.
Outputs of executed notebooks stay as they are.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

# tools/ and course_utils/ are folders of the repository, not installed packages.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import jupytext
from nbformat import NotebookNode

from tools.lessons import (
    PERCENT,
    ROOT,
    colab_badge,
    colab_link,
    course_config,
    lesson_card,
    lesson_files,
    read_notebook,
    read_source,
    setup_cell,
)
from tools.sync import write_notebook

BADGE = re.compile(r"^.*colab\.research\.google\.com.*$", re.MULTILINE)
MAP = re.compile(r"(<!-- course map[^>]*-->\n).*?(<!-- end of course map -->)", re.DOTALL)


def set_repository(pyproject: Path, address: str) -> None:
    """Write `address` into [tool.course] of `pyproject`.

    Raises:
        ValueError: it is not the https address of a GitHub repository, which is what Colab can open.
    """
    address = address.rstrip("/").removesuffix(".git")
    if not re.fullmatch(r"https://github\.com/[\w.-]+/[\w.-]+", address):
        raise ValueError(f"expected an address such as https://github.com/you/your-course, got {address!r}")
    text = pyproject.read_text(encoding="utf-8")
    changed, count = re.subn(r'^repository = ".*"$', f'repository = "{address}"', text, count=1, flags=re.MULTILINE)
    if count != 1:
        raise ValueError(f"{pyproject} has no line `repository = \"...\"` below [tool.course]; put one there")
    pyproject.write_text(changed, encoding="utf-8")


def write_address(name: str, notebook: NotebookNode, config: dict) -> bool:
    """Put badge and setup cell into `notebook`, in place: True where that changed anything.

    The badge replaces a line that links to Colab, or goes below the title. The setup cell is the cell tagged `setup`.

    Raises:
        ValueError: there is no title cell, or not exactly one cell tagged `setup`.
    """
    before = [cell.source for cell in notebook.cells]
    badge = colab_badge(name, config)
    titles = [cell for cell in notebook.cells if cell.cell_type == "markdown" and cell.source.startswith("# ")]
    if not titles:
        raise ValueError(f"{name}: expected a markdown cell that starts with `# ` and the lesson's title, found none")
    badged = [cell for cell in notebook.cells if cell.cell_type == "markdown" and BADGE.search(cell.source)]
    if badged:
        badged[0].source = BADGE.sub(lambda match: badge, badged[0].source, count=1)
    else:
        title, _, rest = titles[0].source.partition("\n")
        titles[0].source = f"{title}\n\n{badge}\n\n{rest.strip()}".strip()
    setups = [cell for cell in notebook.cells if "setup" in cell.metadata.get("tags", [])]
    if len(setups) != 1 or setups[0].cell_type != "code":
        raise ValueError(f"{name}: expected exactly one code cell tagged `setup`, found {len(setups)}")
    setups[0].source = setup_cell(config)
    setups[0].metadata["tags"] = ["setup", "nbval-ignore-output"]   # it prints the device and versions
    return before != [cell.source for cell in notebook.cells]


def course_map(root: Path, config: dict) -> str:
    """README's table: lesson, what it is about, measured time, Colab link; planned lessons below."""
    lines = ["| | lesson | what you will be able to do | 2 CPU cores | Colab |", "|---|---|---|---|---|"]
    found = set()
    for path in lesson_files(root / "notebooks"):
        notebook = path.with_suffix(".ipynb")
        seconds = read_notebook(notebook).metadata.get("course", {}).get("seconds") if notebook.exists() else None
        card = lesson_card(path.stem, read_source(path))
        found.add(card.number)
        time = f"{seconds} s" if seconds else "not measured"
        about = re.sub(r"[.;]$", "", card.goals[0]) if card.goals else ""
        lines.append(f"| {card.number} | [{card.title}](notebooks/{path.stem}.ipynb) | {about} | {time} | "
                     f"[open]({colab_link(path.stem, config)}) |")
    for number, title in config.get("planned", {}).items():
        if number not in found:
            lines.append(f"| {number} | {title} | *planned* | | |")
    return "\n".join(lines) + "\n"


def rewrite_readme(text: str, root: Path, config: dict) -> str:
    """README's text with the course map and the clone command for the configured address."""
    text = MAP.sub(lambda match: match[1] + course_map(root, config) + match[2], text)
    address = config["repository"].rstrip("/")
    text = re.sub(r"git clone https://\S+", f"git clone {address}", text)
    return re.sub(r"(?<=git clone )(\S+)\ncd \S+", lambda match: f"{match[1]}\ncd {address.rsplit('/', 1)[-1]}", text)


def rewrite_all(root: Path) -> list[Path]:
    """Bring every lesson and README.md to the configured address; returns the files that changed."""
    config, changed = course_config(root), []
    for path in lesson_files(root / "notebooks"):
        source = jupytext.read(path, fmt=PERCENT)
        if write_address(path.stem, source, config):
            path.write_text(jupytext.writes(source, fmt=PERCENT), encoding="utf-8")
            changed.append(path)
        executed = path.with_suffix(".ipynb")
        if executed.exists():
            notebook = read_notebook(executed)
            if write_address(path.stem, notebook, config):
                # Same ids as `make sync` would give: they follow from the content.
                fresh = read_source(path)
                if [cell.source for cell in fresh.cells] == [cell.source for cell in notebook.cells]:
                    for cell, twin in zip(notebook.cells, fresh.cells, strict=True):
                        cell.id = twin.id
                write_notebook(executed, notebook)
                changed.append(executed)
    readme = root / "README.md"
    before = readme.read_text(encoding="utf-8")
    after = rewrite_readme(before, root, config)
    if after != before:
        readme.write_text(after, encoding="utf-8")
        changed.append(readme)
    return changed


def main() -> int:
    parser = argparse.ArgumentParser(description="Write the repository's address into lessons and README.md.")
    parser.add_argument("repository", nargs="?", help="new address, e.g. https://github.com/you/your-course")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    try:
        if arguments.repository:
            set_repository(arguments.root / "pyproject.toml", arguments.repository)
        changed = rewrite_all(arguments.root)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    for path in changed:
        print(f"changed {path.relative_to(arguments.root)}")
    if not changed:
        print("Lessons and README.md carry the address of pyproject.toml already.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
