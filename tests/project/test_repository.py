"""The repository as a whole: links alive, one address, one licence, no machine's paths, lists that agree."""

import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest

from tools.address import rewrite_readme
from tools.lessons import ROOT, course_config

TEXT_SUFFIXES = {".md", ".py", ".ipynb", ".toml", ".cfg", ".txt", ".yml", ".yaml", ".json", ".css", ""}


def tracked_files() -> list[Path]:
    """Files under version control, and new ones that are not ignored."""
    try:
        listing = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
                                 cwd=ROOT, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("needs a git checkout")
    return [ROOT / name for name in listing.split("\0") if name and (ROOT / name).is_file()]


def text_files() -> list[Path]:
    small = [path for path in tracked_files() if path.suffix in TEXT_SUFFIXES and path.stat().st_size < 2_000_000]
    return [path for path in small if b"\0" not in path.read_bytes()[:4096]]


def heading_anchors(markdown: str) -> set[str]:
    """The anchors that GitHub gives to a text's headings."""
    headings = re.findall(r"^#+ +(.+?)\s*$", markdown, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def markdown_texts() -> dict[Path, str]:
    """Every markdown file, and the markdown cells of every lesson."""
    from tools.lessons import lesson_files, read_source
    texts = {path: path.read_text(encoding="utf-8") for path in tracked_files() if path.suffix == ".md"}
    for source in lesson_files():
        cells = [cell.source for cell in read_source(source).cells if cell.cell_type == "markdown"]
        texts[source] = "\n\n".join(cells)
    return texts


def test_relative_links_lead_somewhere():
    dead = []
    for path, text in markdown_texts().items():
        prose = re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)
        for target in re.findall(r"\]\(\s*<?([^)\s>]+)", prose):
            if re.match(r"[a-z][a-z+.-]*:", target):
                continue
            file, _, anchor = unquote(target).partition("#")
            place = (path.parent / file).resolve() if file else path
            if not place.exists():
                dead.append(f"{path.relative_to(ROOT)}: {target}")
            elif anchor and not file and anchor not in heading_anchors(text):
                dead.append(f"{path.relative_to(ROOT)}: no heading {target}")
    assert not dead, "dead links:\n" + "\n".join(dead)


def test_readme_carries_the_address_of_pyproject():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert rewrite_readme(readme, ROOT, course_config()) == readme, "run `make badges`"


def test_no_file_names_a_machine_or_a_package_host():
    # Split, so that this file does not find itself.
    patterns = [r"/ho" + r"me/\w", r"/Us" + r"ers/\w", r"/ro" + r"ot/\w", r"/wo" + r"rk/\w", r"/t" + r"mp/\w",
                r"[A-Z]:\\\\?Us" + r"ers",
                r"--(?:extra-)?index-" + r"url", r"--find-" + r"links", r"pypi" + r"\.org", r"pythonhosted" + r"\.org"]
    found = []
    for path in text_files():
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            if len(line) < 100_000 and any(re.search(pattern, line) for pattern in patterns):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]}")
    assert not found, "\n".join(found)


def requirement_names(text: str) -> dict[str, str]:
    """{name: specifier} of a requirements or constraints file."""
    lines = [line.split("#")[0].strip() for line in text.splitlines()]
    pairs = [re.match(r"([A-Za-z0-9_.-]+)\s*(.*)$", line).groups() for line in lines if line]
    return {re.sub(r"[-_.]+", "-", name).lower(): specifier for name, specifier in pairs}


def test_constraints_pin_every_requirement_within_its_range():
    from packaging.specifiers import SpecifierSet
    required = requirement_names((ROOT / "requirements.txt").read_text(encoding="utf-8"))
    pinned = requirement_names((ROOT / "constraints.txt").read_text(encoding="utf-8"))
    for name, pin in pinned.items():
        assert re.fullmatch(r"==[\w.!]+", pin), f"constraints.txt: {name}{pin} is not one exact version"
    for name, specifier in required.items():
        assert name in pinned, f"constraints.txt does not pin {name}"
        assert SpecifierSet(specifier).contains(pinned[name].removeprefix("==")), f"{name}: {pinned[name]} is not {specifier}"


def test_colab_gets_what_it_lacks_and_keeps_what_it_has():
    required = requirement_names((ROOT / "requirements.txt").read_text(encoding="utf-8"))
    installs = set(course_config()["colab_installs"])
    assert installs <= set(required)
    assert not installs & {"torch", "numpy", "ipywidgets", "transformers", "ipython"}


def test_licence_is_apache_2_and_readme_says_so():
    licence = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in licence and "Version 2.0, January 2004" in licence
    assert "END OF TERMS AND CONDITIONS" in licence and len(licence.split()) == 1581
    assert re.search(r"Apache License 2\.0|Apache-2\.0", (ROOT / "README.md").read_text(encoding="utf-8"))


def test_code_and_notebooks_pass_ruff():
    check = subprocess.run([sys.executable, "-m", "ruff", "check", "--output-format", "concise", "."],
                           cwd=ROOT, capture_output=True, text=True, check=False)
    assert check.returncode == 0, check.stdout + check.stderr


def test_readme_mentions_every_make_target():
    targets = re.findall(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)[0].split()
    documented = (ROOT / "README.md").read_text(encoding="utf-8") + (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for target in set(targets) - {"help", "setup", "clean"}:
        assert f"make {target}" in documented, f"neither README.md nor CONTRIBUTING.md mentions `make {target}`"
