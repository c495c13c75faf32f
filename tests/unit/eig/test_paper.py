"""A page as Markdown and as HTML: the same texts, whatever is in them."""

from __future__ import annotations

from dsync.domain.paper import Paper, heading, html, items, markdown, paragraph, table

HOSTILE = "a | b <script>x</script> *c* [d](e) `f`\nligne & https://exemple.fr/x?y=1&z."
CELLS = table(("A", "B"), [("1", HOSTILE)])
PAGE = Paper("Titre <i>", [heading("Un"), paragraph(HOSTILE), items([HOSTILE]), CELLS])


def test_nothing_that_is_typed_becomes_markup() -> None:
    """Neither in HTML nor in Markdown, where a cell stays one cell on one line."""
    page = html(PAGE)
    assert "<script>" not in page
    assert '<a href="https://exemple.fr/x?y=1&amp;z">' in page
    assert "<title>Titre &lt;i&gt;</title>" in page
    *_, titles, line, row = markdown(PAGE).rstrip().split("\n")
    assert ["| A | B |", "|---|---|"] == [titles, line]
    assert 3 == row.replace("\\|", "").count("|")
    assert all(f"\\{sign}" in row for sign in "|<*[`")


def test_steps_are_numbered() -> None:
    """Other lists are not."""
    page = Paper("T", [items("ab", are_steps=True), items("c")])
    assert "# T\n\n1. a\n2. b\n\n- c\n" == markdown(page)
    assert "<ol><li>a</li><li>b</li></ol>\n<ul><li>c</li></ul>" in html(page)
