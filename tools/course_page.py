"""The rendered course: one HTML page for every lesson, and an index page with a card for each and the results."""

from __future__ import annotations

import html
import json
import os
import re
from pathlib import Path

import pandas
from latex2mathml.converter import convert
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode

from tools.lessons import ROOT, LessonCard

STYLE = Path(__file__).with_name("course.css")
LESSON_PAGE = Path(__file__).with_name("lesson.html.j2")


class Prose(IPythonRenderer):
    """Markdown of a lesson without anything that a page would fetch: formulas are MathML, remote images are their texts."""

    def block_math(self, body: str) -> str:
        return mathml(body, "block")

    def inline_math(self, body: str) -> str:
        return mathml(body)

    def image(self, text: str, url: str, title: str | None = None) -> str:
        return html.escape(text) if re.match(r"https?:", url) else super().image(text, url, title)


def mathml(tex: str, display: str = "inline") -> str:
    """A formula in TeX as MathML, with the thin space behind a function's name that the converter leaves out."""
    return re.sub(r"(<mi>[a-z]{2,}</mi>)(?=<m[isfr])", r'\1<mspace width="0.167em" />', convert(tex, display=display))


class LessonExporter(HTMLExporter):
    """A notebook as a page that needs no network."""

    template_name = "lab"
    raw_template = LESSON_PAGE.read_text(encoding="utf-8")

    def markdown2html(self, source: str) -> str:
        """The filter that renders a markdown cell."""
        return MarkdownWithMath(renderer=Prose(escape=False)).render(source)


def write_lesson(output: Path, card: LessonCard, notebook: NotebookNode, seconds: float) -> Path:
    """Write `<name>.html`, and `<name>.json` with what the index says of it: a later run of one lesson keeps the others."""
    about = {"name": f"{card.number} {card.title}", "duration": duration(seconds)}
    body, _ = LessonExporter().from_notebook_node(notebook, {"metadata": about})
    body = move_links(body, os.path.relpath(ROOT, output))
    page = output / f"{card.name}.html"
    page.write_text(body, encoding="utf-8")
    about = {"name": card.name, "title": card.title, "goals": card.goals, "seconds": round(seconds)}
    (output / f"{card.name}.json").write_text(json.dumps(about, ensure_ascii=False), encoding="utf-8")
    return page


def move_links(body: str, root: str) -> str:
    """Point a page's links at pages, and those that leave notebooks/ at the repository, which lies at `root` from here."""
    body = re.sub(r'href="(\d\d_\w+)\.ipynb(#[^"]*)?"', lambda match: f'href="{match[1]}.html{match[2] or ""}"', body)
    return re.sub(r'(href|src)="\.\./', lambda match: f'{match[1]}="{root}/', body)


def write_index(output: Path, tables: dict[str, pandas.DataFrame], config: dict) -> Path:
    """Write index.html from the lessons rendered in `output` so far; returns its path."""
    lessons = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(output.glob("[0-9][0-9]_*.json"))]
    cards = [lesson_html(lesson) for lesson in lessons]
    done = {lesson["name"][:2] for lesson in lessons}
    cards += [
        f'<div class="card planned"><span class="number">{number}</span><h3>{html.escape(title)}</h3>'
        '<div class="time">planned</div></div>'
        for number, title in config.get("planned", {}).items() if number not in done
    ]
    heights = [16, 34, 26, 40, 22]   # five virtual tokens in front of a text: the course in one picture
    picture = "".join(f'<i style="height:{h}px"></i>' for h in heights) + '<i class="text" style="height:20px"></i>' * 14
    results = "".join(table_html(title, table) for title, table in tables.items())
    page = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Soft prompts, a course</title>
<style>
{STYLE.read_text(encoding="utf-8")}</style>
</head>
<body>
<main>
<header>
<div class="prompt" aria-hidden="true">{picture}</div>
<h1>Soft prompts</h1>
<p>A frozen language model, a few learned vectors in front of its input, and a fair comparison with the prompts that
people write by hand. Everything on these pages was computed on this machine.</p>
</header>
<section class="cards">
{chr(10).join(cards)}
</section>
{f"<h2>Results</h2>{results}" if results else ""}
<footer>Code and text: Apache License 2.0. Source: <a href="{html.escape(config["repository"])}">{html.escape(config["repository"].removeprefix("https://"))}</a></footer>
</main>
</body>
</html>
"""
    index = output / "index.html"
    index.write_text(page, encoding="utf-8")
    return index


def lesson_html(lesson: dict) -> str:
    """A lesson's card: number, title, goals, time."""
    goals = "".join(f"<li>{inline(goal)}</li>" for goal in lesson["goals"])
    return (f'<a class="card" href="{lesson["name"]}.html"><span class="number">{lesson["name"][:2]}</span>'
            f"<h3>{html.escape(lesson['title'])}</h3>" + (f"<ul>{goals}</ul>" if goals else "")
            + f'<div class="time">ran here in {duration(lesson["seconds"])}</div></a>')


def table_html(title: str, table: pandas.DataFrame) -> str:
    """One task's results; rows of soft prompts are marked."""
    head = "".join(f"<th>{html.escape(str(column))}</th>" for column in table.columns)
    rows = "".join(
        f'<tr{" class=soft" if str(system).startswith("soft prompt") else ""}><th>{html.escape(str(system))}</th>'
        + "".join(f"<td>{html.escape(str(value))}</td>" for value in values) + "</tr>"
        for system, values in zip(table.index, table.to_numpy(), strict=True)
    )
    return (f'<div class="table"><table><caption>{html.escape(title)}</caption><thead><tr><th>system</th>{head}</tr></thead>'
            f"<tbody>{rows}</tbody></table></div>")


def inline(markdown: str) -> str:
    """A line of markdown as HTML: code, bold, emphasis; the text of links (a card is a link itself)."""
    text = html.escape(markdown, quote=False)
    text = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", text)
    text = re.sub(r"\*\*([^*]+)\*\*", r"<b>\1</b>", text)
    return re.sub(r"\*([^*]+)\*", r"<em>\1</em>", text)


def duration(seconds: float) -> str:
    """ "48 s", "2 min 5 s" """
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
