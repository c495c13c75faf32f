"""A French page as blocks, and its forms: Markdown, HTML, JSON."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape
from typing import NamedTuple

from dsync.domain.wording import with_no_break_spaces

_ADDRESS = re.compile(r"https?://[^\s<>|«»]+[^\s<>|«».,;:)]")
_STYLE = (
    "body{font-family:Marianne,Arial,sans-serif;line-height:1.5;max-width:60rem;margin:2rem auto;"
    "padding:0 1rem;color:#161616}table{border-collapse:collapse;width:100%}"
    "th,td{border:1px solid #929292;padding:.4rem;text-align:left;vertical-align:top;"
    "overflow-wrap:anywhere}td:first-child{overflow-wrap:break-word;min-width:9rem}"
    "a{color:#000091}"
)


class Block(NamedTuple):
    """A heading (`h2`, `h3`), a paragraph (`p`), a list (`ul`, `ol`) or a table."""

    kind: str
    text: str = ""
    """Of a heading or a paragraph."""
    rows: Sequence[Sequence[str]] = ()
    """Of a table: its titles, then its rows; of a list: a row of one cell for each item."""


class Paper(NamedTuple):
    """A page."""

    title: str
    blocks: Sequence[Block]


def heading(text: str, level: int = 2) -> Block:
    """Return a heading."""
    return Block(f"h{level}", text)


def paragraph(text: str) -> Block:
    """Return a paragraph."""
    return Block("p", text)


def items(texts: Iterable[str], *, are_steps: bool = False) -> Block:
    """Return a list; of steps, it is numbered."""
    return Block("ol" if are_steps else "ul", rows=[[text] for text in texts])


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> Block:
    """Return a table."""
    return Block("table", rows=[titles, *rows])


def markdown(page: Paper) -> str:
    """Return a page as Markdown."""
    parts = [f"# {_marked(page.title)}", *map(_markdown, page.blocks)]
    return "\n\n".join(parts) + "\n"


def _markdown(block: Block) -> str:
    rows = [[_marked(cell) for cell in row] for row in block.rows]
    match block.kind:
        case "ul" | "ol":
            signs = ("-" if block.kind == "ul" else f"{n}." for n in range(1, len(rows) + 1))
            return "\n".join(f"{sign} {text}" for sign, [text] in zip(signs, rows, strict=True))
        case "table":
            lines = [f"| {' | '.join(row)} |" for row in rows]
            return "\n".join([lines[0], f"|{'---|' * len(rows[0])}", *lines[1:]])
        case "p":
            return _marked(block.text)
    return f"{'#' * int(block.kind[1])} {_marked(block.text)}"


def _marked(text: str) -> str:
    """Return a text that Markdown shows as it is, on one line."""
    return " ".join(re.sub(r"([\\*<`\[|])", r"\\\1", text).split())


def html(page: Paper) -> str:
    """Return a page as a whole HTML document without anything that is loaded."""
    title = _escaped(page.title)
    body = "\n".join(_html(block) for block in page.blocks)
    return (
        f'<!doctype html>\n<html lang="fr">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{title}</h1>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _html(block: Block) -> str:
    match block.kind:
        case "ul" | "ol":
            inner = "".join(f"<li>{_escaped(text)}</li>" for [text] in block.rows)
        case "table":
            head, *body = block.rows
            titles = "".join(f'<th scope="col">{_escaped(cell)}</th>' for cell in head)
            lines = ("".join(f"<td>{_escaped(cell)}</td>" for cell in row) for row in body)
            inner = f"<thead><tr>{titles}</tr></thead><tbody>"
            inner += "".join(f"<tr>{line}</tr>" for line in lines) + "</tbody>"
        case _:
            inner = _escaped(block.text)
    return f"<{block.kind}>{inner}</{block.kind}>"


def _escaped(text: str) -> str:
    shown = escape(with_no_break_spaces(text))
    return _ADDRESS.sub(lambda found: f'<a href="{found[0]}">{found[0]}</a>', shown)
