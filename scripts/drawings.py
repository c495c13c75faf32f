"""The drawn pictures of docs/images: each a function from what dsync says to an SVG, 1280 wide."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from html import escape

from rich.console import Console
from rich.style import Style
from rich.terminal_theme import DEFAULT_TERMINAL_THEME
from rich.text import Text

from dsync.console.access import RIGHTS, Right, Role
from dsync.database import PROGRAMME
from dsync.store.dictionary import ENGINE
from dsync.store.reading_views import shipped_dictionary

WIDTH = 1280
INK, PALE, LINE, BLUE = "#161616", "#666", "#ddd", "#000091"
SIGHTS: Mapping[Right, str] = {
    Right.LIRE: "Voir dossiers, avis, contrôles",
    Right.PERSONNES: "Voir noms, courriels, téléphones",
    Right.TEXTES: "Voir les textes libres",
    Right.NOTES: "Voir les notes du jury",
    Right.AGIR: "Répondre, régler un conflit, relire, rejuger",
    Right.ADMINISTRER: "Effacer un dossier, donner un accord",
}


def text(x: float, y: float, said: str, size: int = 20, fill: str = INK, **more: str) -> str:
    """Return a line of text; `more` are attributes, with _ for -."""
    rest = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in more.items())
    return f'<text x="{x}" y="{y}" font-size="{size}" fill="{fill}"{rest}>{escape(said)}</text>'


def picture(height: int, label: str, parts: Iterable[str]) -> str:
    """Return a whole SVG; `label` is what a screen reader says."""
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"'
    said = f'font-family="Arial, Helvetica, sans-serif" role="img" aria-label="{escape(label)}"'
    ground = f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>'
    return "\n".join([f"{head} {said}>", ground, *parts, "</svg>\n"])


def rights() -> str:
    """Return which role of the console has which right."""
    parts = []
    for column, role in enumerate(Role):
        x = 620 + 170 * column
        parts.append(text(x, 40, role, fill=BLUE, font_weight="bold", text_anchor="middle"))
        for row, right in enumerate(SIGHTS):
            if right in RIGHTS[role]:
                parts.append(f'<circle cx="{x}" cy="{78 + 48 * row}" r="10" fill="{BLUE}"/>')
            elif (role, right) == (Role.LECTEUR, Right.NOTES):
                said = "après délibération"
                parts.append(text(x, 84 + 48 * row, said, 17, PALE, text_anchor="middle"))
            else:
                parts.append(text(x, 84 + 48 * row, "–", fill=PALE, text_anchor="middle"))
    for row, said in enumerate(SIGHTS.values()):
        parts.append(f'<path d="M16 {56 + 48 * row}H1264" stroke="{LINE}"/>')
        parts.append(text(24, 85 + 48 * row, said))
    return picture(60 + 48 * len(SIGHTS), "Ce que chaque rôle de la console voit et fait", parts)


def views() -> str:
    """Return each view with what a row is, by its key; those of the programme in blue."""
    of_dossier, below, of_demarche, common = groups = [], [], [], []
    titles = ("un dossier", "par dossier : numero", "par démarche : demarche_numero", "pour toutes")
    for name, view in shipped_dictionary(PROGRAMME).items():
        if "numero" in view.columns:
            group = of_dossier if view.description.startswith("Une ligne par dossier") else below
        else:
            group = of_demarche if "demarche_numero" in view.columns else common
        row = re.split(r"[,:;(]|\. ", view.description.removeprefix("Une ligne par "))[0]
        short = textwrap.shorten(row, 62, placeholder=" …")
        group.append((name, short, name in ENGINE.views))
    of_dossier.append(("formulaire_<démarche>", "dossier, une colonne par champ", True))
    below.append(("formulaire_<démarche>_<bloc>", "ligne d’un bloc, ou choix", True))
    parts, tops = [], [20, 20]
    for column, title, group in zip((0, 1, 0, 0), titles, groups, strict=True):
        x, y = 20 + 630 * column, tops[column]
        height = 56 + 46 * len(group)
        parts.append(f'<rect x="{x}" y="{y}" width="610" height="{height}" fill="#f6f6f6" rx="6"/>')
        parts.append(text(x + 16, y + 32, title, 20, font_weight="bold"))
        for rank, (name, said, is_engine) in enumerate(group):
            line = y + 62 + 46 * rank
            fill = INK if is_engine else BLUE
            parts.append(text(x + 16, line, name, 17, fill, font_family="monospace"))
            parts.append(text(x + 16, line + 20, said, 15, PALE))
        tops[column] = y + height + 16
    return picture(max(tops), "Les vues, ce qu’est une ligne de chacune, et leur clé", parts)


def in_ds(number: int, etat: str, labels: Sequence[str], values: Mapping[str, str]) -> str:
    """Return a dossier's annotations as they stand in DS, the long one cut.

    Args:
        number: the dossier's.
        etat: its state.
        labels: the names of its labels.
        values: what dsync wrote, by the annotation's name.
    """
    parts = [text(32, 52, f"Dossier n° {number}", 26, font_weight="bold")]
    x = 400
    for label in labels:
        width = 24 + 11 * len(label)
        parts.append(f'<rect x="{x}" y="24" width="{width}" height="38" rx="5" fill="#ffe9e6"/>')
        parts.append(text(x + 12, 50, label, 20, "#8d1c10", font_weight="bold"))
        x += width + 16
    parts.append(text(x, 50, etat.replace("_", " "), fill=PALE))
    parts.append(text(32, 106, "Annotations privées", 20, BLUE, font_weight="bold"))
    parts.append(f'<path d="M0 124H{WIDTH}" stroke="{LINE}" stroke-width="2"/>')
    y = 150
    for name, value in values.items():
        lines = [line for part in value.split("\n") for line in textwrap.wrap(part, 92)]
        lines = [*lines[:8], "…"] if len(lines) > 9 else lines
        height = 14 + 26 * len(lines)
        parts.append(text(32, y + 26, name, 19, font_weight="bold"))
        parts.append(f'<rect x="330" y="{y}" width="918" height="{height}" fill="#eee"/>')
        parts += [text(344, y + 27 + 26 * n, line, 18, "#3a3a3a") for n, line in enumerate(lines)]
        y += height + 16
    frame = f'<rect x="1" y="1" width="{WIDTH - 2}" height="{y + 6}" fill="none" stroke="{LINE}"/>'
    return picture(y + 8, "Annotations d’un dossier dans Démarches Simplifiées", [*parts, frame])


def terminal(printed: str, columns: int, label: str) -> str:
    """Return what a command printed on a terminal with so many columns, in its colours."""
    parts = []
    lines = [Text.from_ansi(line) for line in printed.strip("\n").splitlines()]
    console = Console(width=columns, color_system="standard", force_terminal=True)
    for row, line in enumerate(lines):
        said = "".join(
            f'<tspan fill="{colour(piece.style)}">{escape(piece.text)}</tspan>'
            for piece in line.render(console)
        )
        start = f'<text x="24" y="{40 + 26 * row}" xml:space="preserve">'
        parts.append(f"{start}{said}</text>")
    group = f'<g font-family="monospace" font-size="{2000 / columns:.1f}">'
    return picture(40 + 26 * len(lines), label, [group, *parts, "</g>"])


def colour(style: Style | str | None) -> str:
    """Return the colour of a piece of a line."""
    if not isinstance(style, Style) or style.color is None:
        return INK
    return style.color.get_truecolor(DEFAULT_TERMINAL_THEME).hex
