"""The drawn pictures of docs/images: each a function from what dsync says to an SVG, 1280 wide."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from html import escape
from pathlib import Path

from rich.console import Console
from rich.style import Style
from rich.terminal_theme import DEFAULT_TERMINAL_THEME
from rich.text import Text

from dsync.annotations.wish import WishStatus
from dsync.console.access import RIGHTS, Right, Role
from dsync.database import PROGRAMME
from dsync.domain.dossier import PARIS
from dsync.domain.wording import french_date
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


PLACES: Mapping[WishStatus, tuple[int, int]] = {
    WishStatus.SUSPENDUE: (20, 120),
    WishStatus.EN_ATTENTE: (370, 120),
    WishStatus.INCERTAINE: (720, 120),
    WishStatus.CONFIRMEE: (1080, 120),
    WishStatus.REMPLACEE: (20, 300),
    WishStatus.CONFLIT: (370, 300),
    WishStatus.REFUSEE: (720, 300),
}
"""Where each status is drawn; a new one has to have its place, and its ways."""
WAYS: Sequence[tuple[str, str, int, int]] = (
    ("M460 50V118", "a verdict wants another value", 474, 82),
    ("M370 145H202", "box ticked", 242, 134),
    ("M550 145H718", "sent", 610, 134),
    ("M900 145H1078", "DS has it", 942, 134),
    ("M770 120C770 60 850 60 850 118", "no answer: read after 35 s", 866, 82),
    ("M420 170V298", "a person", 338, 226),
    ("M500 300V172", "adopt", 512, 252),
    ("M420 170V298", "wrote there", 314, 250),
    ("M810 170V298", "DS refuses", 824, 240),
    ("M1170 170V400H460V352", "a person changed it", 850, 390),
    ("M370 325H202", "keep", 262, 314),
)
"""From status to status: the line, what it says, and where."""


def wishes() -> str:
    """Return the life of a value that dsync wants in DS, by its status."""
    head = f'<path d="M0 0 10 5 0 10z" fill="{BLUE}"/></marker></defs>'
    size = 'viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8"'
    parts = [f'<defs><marker id="a" {size} orient="auto">{head}']
    for line, said, x, y in WAYS:
        parts.append(f'<path d="{line}" fill="none" stroke="{BLUE}" marker-end="url(#a)"/>')
        parts.append(text(x, y, said, 17, PALE))
    for status in WishStatus:
        x, y = PLACES[status]
        box = f'<rect x="{x}" y="{y}" width="180" height="50" rx="8" fill="#f3f4fb"'
        parts.append(f'{box} stroke="{BLUE}"/>')
        parts.append(text(x + 90, y + 32, status, text_anchor="middle", font_weight="bold"))
    parts.append(text(20, 380, "also: whatever a newer verdict replaces", 17, PALE))
    return picture(420, "The life of a value that dsync wants in DS, by its status", parts)


WRITTEN = Path(__file__).parents[1] / "tests/outside/golden/annotations.jsonl"
"""What dsync writes into DS, as a test holds it."""
REFUSED = 18600004
"""A product past the phases of the call: « Inéligible »."""
SAID_OF: Mapping[str, tuple[str, str]] = {
    "5102": ("Résultat du pré-contrôle", "un avis, pas une décision"),
    "5103": ("Détail du pré-contrôle", "le constat et sa preuve,\nla règle, ce qui reste à faire"),
    "5104": ("Pré-contrôle établi le", "relu à chaque changement"),
}
"""By the annotation's number: its name in DS, and what it is."""
LEADS = re.compile(r"^In\w+$|Non\sconforme\s–\s\w+|Règle\s\(.*?\)|À\sfaire|Conforme(?=\s:)")
"""What begins a part of the detail."""


def in_ds() -> str:
    """Return what dsync wrote into a dossier, as DS shows it; of what conforms, the beginning."""
    lines_of_all = map(json.loads, WRITTEN.read_text(encoding="utf-8").splitlines())
    number, values, labels = next(one for one in lines_of_all if one[0] == REFUSED)
    parts = [text(32, 52, f"Dossier n° {number}", 26, font_weight="bold")]
    x = 400
    for label in labels:
        width = 24 + 11 * len(label)
        parts.append(f'<rect x="{x}" y="24" width="{width}" height="38" rx="5" fill="#ffe9e6"/>')
        parts.append(text(x + 12, 50, label, 20, "#8d1c10", font_weight="bold"))
        x += width + 16
    parts.append(text(32, 106, "Annotations privées", 20, BLUE, font_weight="bold"))
    parts.append(f'<path d="M0 124H{WIDTH}" stroke="{LINE}" stroke-width="2"/>')
    y = 150
    for key, (name, meaning) in SAID_OF.items():
        value = values[key]
        if key == "5104":
            at = datetime.fromisoformat(value).astimezone(PARIS)
            value = f"{french_date(at.date())} {at:%H:%M}"
        value = LEADS.sub(lambda lead: lead[0].replace(" ", "\N{NO-BREAK SPACE}"), value)
        lines = [line for part in value.split("\n") for line in textwrap.wrap(part, 92)]
        last = next((n for n, line in enumerate(lines) if line.startswith("Conforme")), None)
        if last is not None:
            lines = [*lines[: last + 1], "…"]
        meant = meaning.split("\n")
        height = max(24 + 26 * len(lines), 40 + 22 * len(meant))
        parts.append(text(32, y + 26, name, 19, font_weight="bold"))
        parts += [text(32, y + 50 + 22 * n, one, 17, PALE) for n, one in enumerate(meant)]
        parts.append(f'<rect x="330" y="{y}" width="918" height="{height}" fill="#eee"/>')
        for n, line in enumerate(lines):
            start = text(344, y + 31 + 26 * n, "", 18, "#3a3a3a").removesuffix("</text>")
            said = LEADS.sub(r'<tspan font-weight="bold" fill="#000">\g<0></tspan>', escape(line))
            parts.append(f"{start}{said}</text>")
        y += height + 16
    frame = f'<rect x="1" y="1" width="{WIDTH - 2}" height="{y + 6}" fill="none" stroke="{LINE}"/>'
    return picture(y + 8, "Ce que dsync a inscrit dans un dossier", [*parts, frame])


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
