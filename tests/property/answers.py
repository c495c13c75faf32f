"""Generators of what applicants type, and an independent reading of the rules to compare with.

`rows` of a catalogue are its JSON entries; nothing here uses dsync's parser of addresses, its
catalogue or its checks. The reading follows the page of the rules, cell by cell.
"""

from __future__ import annotations

import json
import os
import random
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from dsync.domain.dossier import Demandeur
from dsync.domain.ids import DossierNumber
from dsync.domain.verdict import Decision
from dsync.eig.candidature import Candidature, Reponse
from dsync.eig.precheck.catalogue import Catalogue
from dsync.eig.precheck.evaluation import judge
from dsync.eig.precheck.evidence import PublicEvidence
from dsync.eig.precheck.rules import RuleSet
from dsync.sandbox.content import products as invented
from tests.golden.dossiers import INTERNALISER, LANCER, Dossier, candidature_of, shipped_rules

SAMPLES = Path(__file__).parents[1] / "data" / "betagouv"
FILES = tuple(filter(None, os.environ.get("DSYNC_BENCH_CATALOGUES", "").split(os.pathsep)))
"""More catalogues, as https://beta.gouv.fr/api/v2.7/startups.json has one, beside the samples."""
PAGE = "https://beta.gouv.fr/startups"
Row = Mapping[str, Any]
Dice = random.Random


class Source(NamedTuple):
    """A catalogue: as dsync reads it, and its raw entries."""

    catalogue: Catalogue
    rows: tuple[Row, ...]
    titles: Mapping[str, str]
    """Titles of the incubators by id."""


@cache
def source(name: str) -> Source:
    """Read a sample of the catalogue (2.6 or 2.7), the sandbox's, or a file by its path."""
    if name == "sandbox":
        text = json.dumps(invented.startups(7))
    else:
        path = Path(name) if "/" in name else SAMPLES / f"startups_v{name}.json"
        text = path.read_text(encoding="utf-8")
    document = json.loads(text)
    titles = {
        entry["id"].removeprefix("/incubateurs/"): entry["attributes"]["title"]
        for entry in document["included"]
    }
    return Source(Catalogue.parse(text, "{}", source=name), tuple(document["data"]), titles)


# ---- One product's texts -----------------------------------------------------------------------
def nom(row: Row) -> str:
    """Return the name of a product."""
    return str(row["attributes"]["name"])


def page(row: Row) -> str:
    """Return the address of a product's page."""
    return f"{PAGE}/{row['id']}.html"


def link(row: Row) -> str:
    """Return the address of its site, or ""."""
    return str(row["attributes"].get("link") or "").strip()


def code(row: Row) -> str:
    """Return the address of its repository, or ""."""
    return str(row["attributes"].get("repository") or "").strip()


def incubator(row: Row) -> str:
    """Return the id of its incubator."""
    return str(row["relationships"]["incubator"]["data"]["id"])


def plain(text: str) -> str:
    """Return the letters and digits, in lower case and without accents."""
    letters = unicodedata.normalize("NFKD", text.lower())
    return "".join(letter for letter in letters if letter.isascii() and letter.isalnum())


def owner_of(address: str, rows: Iterable[Row]) -> bool:
    """Whether one product alone has an address."""
    key = _bare(address)
    return bool(key) and 1 == sum(key in (_bare(link(row)), _bare(code(row))) for row in rows)


def _bare(address: str) -> str:
    return re.sub(r"^https?://(www\.)?|\.git$|[?#].*$", "", address.strip().lower()).rstrip("/")


# ---- Answers that name another product, or deny a page ------------------------------------------
DENIALS = (
    "Pas encore de fiche. Exemple : {b}", "Fiche en cours de publication, sur le modèle de {b}",
    "pas de fiche, mais {b} nous inspire", "{b} n’est pas notre fiche", "aucune ({b} est un autre)",
    "≠ {b}", "{b} (celle d’un partenaire)", "bientôt : {b}", "{b}:pas-encore", "{b}/pas/encore",
    "comme {b}", "sera publiée ici : {b}", "Fiche en projet, {b}", "{b} ???? non", "idem {b}",
    "{b} ❌", "{b} != notre fiche",
    "exemple@{b_path}", "{b} autre-produit@exemple.fr", "Ex. {b}", "sauf erreur {b}",
)  # fmt: skip
OTHERS = (
    "{a} (sur le modèle de {b})", "{a} {b}", "{b} {a}", "{a} : {b}", "Notre produit {a}, fiche {b}",
    "{b} | {a}", "{a_link} {b}", "{b} {a_link}", "{a_code} voir {b}", "{a_id} : {b}",
    "{a_page} et {b}", "Produit {a}. Page : {b}", "{a}\n{b}", "{a} – {b}",
)  # fmt: skip


# Each names {b} and speaks of another product: what stands before it, then what stands behind it.
_BEFORE = """
une application pour|un service de|un produit de|un module de|une brique de|un composant de
une extension de|un plugin pour|un outil pour|un portail sur|une surcouche de|un connecteur pour
une API de|un fork de|un clone de|une copie de|un équivalent de|un concurrent de|un dérivé de
un successeur de|le successeur de|la suite de|le remplaçant de|une version de|une variante de
une déclinaison de|une évolution de|une refonte de|la refonte de|une nouvelle version de
la version 2 de|un prototype de|une maquette de|une étude sur|un kit pour|un guide de|un jeu sur
l’équipe de|le même que|la même que|un peu comme|comme|tel que|façon|style|type|genre|dans|via
sur|avec|par|pour|de|chez|selon|sans|sauf|hors|contre|non|pas|ni|ou|et|puis|mais|avant|après
d’après|à partir de|à côté de|à la place de|au lieu de|au sein de|au-dessus de|en complément de
en lien avec|en partenariat avec|en remplacement de|en marge de|en parallèle de|en attendant
proche de|semblable à|similaire à|différent de|autre que|distinct de|intégré à|inspiré de
issu de|basé sur|bâti sur|greffé sur|adossé à|relié à|branché sur|alimenté par|hébergé par
édité par|porté par|utilise|réutilise|remplace|complète|prolonge|alimente|enrichit|concurrence
exemple :|ex.|par exemple|p. ex.|modèle :|référence :|inspiration :|source :|origine :|parent :
partenaire :|voisin :|concurrent :|futur :|ancien :|ex-|anciennement|bientôt|peut-être
éventuellement|presque|quasi|non pas|plutôt que|voir aussi|cf. aussi|voir par exemple|idem que
vers un service de|notre service, cousin de|notre projet :|notre application :|notre startup :
notre plateforme :|notre service :|notre équipe aide|notre site complète|notre fiche ressemble à
notre page imite|notre produit utilise|notre produit, dans|le produit d’à côté :|les usagers de
les agents de|la communauté de|le bureau de|application|service|plateforme|outil|module|projet
"""
_BEHIND = """
?|??|(?)|ou autre ?|et notre service|+ notre produit|et notre produit|et un autre|ou équivalent
mais en mieux|bis|v2|nouvelle génération|pour les communes|pour les départements|en marque blanche
(autre équipe)|(modèle)|(inspiration)|(partenaire)|(à confirmer)|(exemple)|(concurrent)|(pas nous)
n’est pas le nôtre|n’est pas notre produit|en est le modèle|en est proche|nous sert de base
sera remplacé|est à côté|est notre partenaire|est un autre service|est l’ancien nom|non|sauf erreur
sous un autre nom|dans notre région|avec nos données|via notre API|≠ notre produit|~ notre produit
"""
FOREIGN = (
    *(f"{one.strip()} {{b}}" for one in _BEFORE.replace("\n", "|").split("|") if one.strip()),
    *(f"{{b}} {one.strip()}" for one in _BEHIND.replace("\n", "|").split("|") if one.strip()),
    "{b}?", "« {b} » ?", "≠ {b}", "~{b}", "¬ {b}", "? {b}", "aucune, sauf {b}",
    "{b} / notre produit", "<s>{b}</s>", "{b} 👎", "notre site, voir {b}",
    "notre produit, voir {b}", "[ ] {b}", "☐ {b}", "{b} vers notre page", "{b} 🚧",
    "{b} (fiche en construction)", "Oui mais {b}", "phase construction de {b}", "+ {b}",
)  # fmt: skip
# About {p}, and no other product.
PLAIN = (
    "{p}", "Page produit sur beta.gouv.fr : {p}", "Page produit : {p}", "Adresse de la fiche : {p}",
    "Lien vers la fiche produit : {p}", "URL de la page produit : {p}",
    "Adresse de la page du produit sur beta.gouv.fr : {p}", "Oui : {p}", "oui {p}", "Oui, {p}",
    "1) {p}", "1. {p}", "1 - {p}", "- {p}", "{p} – {i}", "{p} ({i})", "{n}, {i} : {p}",
    "{p} (phase construction)", "{p} - phase d’accélération", "👉 {p}", "🔗 {p}", "✅ {p}",
    "📄 {p}", "{p} 🙂", "{p} 👍", "🚀 {p}", "{p} 🙏", "🌐 {p}", "📌 {p}", "{p} 🎉", "➡️ {p}",
    "⭐ {p}", "🇫🇷 {p}", "{n} ({p})", "Bonjour, {p} Merci", "<{p}>", "[{n}]({p})", "Voir {p}",
    "La fiche produit est publiée ici : {p}",
)  # fmt: skip


def spellings(row: Row, rows: Sequence[Row]) -> list[str]:
    """Return what names a product: its address, id, name, site and repository."""
    where = page(row)
    own = [one for one in (link(row), code(row)) if one and owner_of(one, rows)]
    return [where, where.removesuffix(".html"), where.removeprefix("https://"), nom(row),
            row["id"], f"https://beta.gouv.fr/produits/{row['id']}", *own]  # fmt: skip


def denying(dice: Dice, rows: Sequence[Row]) -> tuple[str, Row]:
    """Return an answer that is not about the product that it names, and that product."""
    while True:
        a, b = dice.sample(rows, 2)
        # Two products of one name cannot be told apart by it.
        if plain(nom(a)) in plain(nom(b) + b["id"]) or plain(a["id"]) in plain(b["id"]):
            continue
        form = dice.choice(DENIALS if dice.random() < 0.5 else OTHERS)
        if ("{a_link}" in form and not owner_of(link(a), rows)) or (
            "{a_code}" in form and not owner_of(code(a), rows)
        ):
            continue
        said = [page(b), page(b).removesuffix(".html"), page(b).upper(), nom(b), b["id"]]
        address = dice.choice([*said, _bare(link(b))] if owner_of(link(b), rows) else said)
        return form.format(
            a=nom(a), a_id=a["id"], a_link=link(a), a_code=code(a), a_page=page(a), b=address,
            b_path=address.split("//")[-1],
        ), b  # fmt: skip


ERRORLESS = (
    "adresse faite du nom", "autre dossier", "clone du code", "espace membre", "hôte voisin",
    "nom dans une phrase", "nom sans espace", "page intérieure du code", "page intérieure du site",
    "source de la page",
)  # fmt: skip
"""The kinds of sloppy answers that have no typing error."""


def right(dice: Dice, row: Row, of: Source) -> str:
    """Return an answer that names a product with nothing misspelt, in words that people add."""
    form = dice.choice([*PLAIN, *ERRORLESS])
    if form in ERRORLESS:
        return sloppy(dice, form, row, of.rows)
    title = of.titles.get(incubator(row), incubator(row))
    return form.format(p=dice.choice(spellings(row, of.rows)), n=nom(row), i=title)


# ---- Sloppy answers ----------------------------------------------------------------------------
def slip(dice: Dice, text: str) -> str:
    """Return a text with one letter missing, doubled, replaced or exchanged."""
    places = [place for place, letter in enumerate(text) if letter.isalnum()]
    at = dice.choice(places)
    following = text[at + 1 : at + 2]
    slips = {
        text[:at] + text[at + 1 :],
        text[:at] + text[at] + text[at:],
        text[:at] + dice.choice("abcdefghijklmnopqrstuvwxyz") + text[at + 1 :],
        text[:at] + following + text[at] + text[at + 2 :],
    }
    # An exchange of two equal letters is none.
    return dice.choice(sorted(slips - {text}))


def other_number(text: str) -> str:
    """Return the words with or without the mark of the plural."""
    return " ".join(
        word[:-1] if word.endswith("s") and len(word) > 3 else f"{word}s" if len(word) > 3 else word
        for word in text.split()
    )


def slug(name: str) -> str:
    """Return a name as people would write it in an address."""
    letters = unicodedata.normalize("NFKD", name.lower().replace("’", "'").replace("œ", "oe"))
    return "-".join(re.findall(r"[a-z0-9]+", "".join(c for c in letters if c.isascii())))


def _cut(dice: Dice, text: str, least: float) -> str:
    return text[: min(len(text) - 1, max(2, round(len(text) * dice.uniform(least, 0.95))))]


def acronym(row: Row) -> str:
    """Return the first letters of the name's words."""
    return "".join(word[0] for word in slug(nom(row)).split("-") if word)


def _inside(dice: Dice, text: str) -> str:
    """Return an address with an id that holds another one."""
    form = dice.choice([
        "{}-beta", "le-{}", "la-{}", "api-{}", "{}-v2", "{}.beta.gouv.fr", "{}.gouv.fr", "mon-{}",
        "{}-2024", "startup-{}", "{}_prod", "{}-fr", "produit.{}", "{}test",
    ])  # fmt: skip
    return f"{PAGE}/{form.format(text)}{dice.choice(['', '.html'])}"


SLOPPY: Mapping[str, Callable[[Dice, Row], str]] = {
    "nom, une faute": lambda dice, row: slip(dice, nom(row)),
    "nom, au pluriel ou au singulier": lambda dice, row: other_number(nom(row)),
    "nom tronqué": lambda dice, row: _cut(dice, nom(row), 0.5),
    "nom sans espace": lambda dice, row: nom(row).replace(" ", "").replace("-", ""),
    "nom dans une phrase": lambda dice, row: f"Nous portons {nom(row)} depuis deux ans",
    "nom fautif dans une phrase": lambda dice, row: f"Nous portons {slip(dice, nom(row))} ici",
    "identifiant seul, une faute": lambda dice, row: slip(dice, row["id"]),
    "adresse, une faute": lambda dice, row: f"{PAGE}/{slip(dice, row['id'])}.html",
    "adresse faite du nom": lambda dice, row: f"{PAGE}/{slug(nom(row))}.html",
    "adresse faite du nom, une faute": lambda dice, row: (
        f"{PAGE}/{slip(dice, slug(nom(row)))}.html"
    ),
    "adresse coupée": lambda dice, row: page(row)[: dice.randint(12, len(page(row)) - 1)],
    "hôte voisin": lambda dice, row: page(row).replace(
        "beta.gouv.fr", dice.choice(["betagouv.fr", "beta-gouv.fr", "beta.gouv"])
    ),
    "hôte voisin, une faute": lambda dice, row: (
        f"https://betagouv.fr/startups/{slip(dice, row['id'])}"
    ),
    "autre dossier": lambda dice, row: page(row).replace(
        "/startups/", dice.choice(["/start-ups/", "/produits/", "/"])
    ),
    "espace membre": lambda dice, row: f"https://espace-membre.beta.gouv.fr/startups/{row['id']}",
    "source de la page": lambda dice, row: (
        f"https://github.com/betagouv/beta.gouv.fr/blob/master/content/_startups/{row['id']}.md"
    ),
    "page intérieure du site": lambda dice, row: (
        f"{link(row).split('?')[0].rstrip('/')}/aide" if link(row) else slip(dice, nom(row))
    ),
    "page intérieure du code": lambda dice, row: (
        f"{code(row).rstrip('/')}/tree/main" if code(row) else slip(dice, nom(row))
    ),
    "clone du code": lambda dice, row: (
        re.sub(r"https://([^/]+)/(.+?)/?$", r"git@\1:\2.git", code(row))
        if code(row)
        else slip(dice, nom(row))
    ),
    "identifiant prolongé": lambda dice, row: _inside(dice, row["id"]),
    "identifiant, deux fautes": lambda dice, row: (
        f"{PAGE}/{slip(dice, slip(dice, row['id']))}" if len(row["id"]) > 3 else page(row)
    ),
    "adresse du nom, prolongée": lambda dice, row: _inside(dice, slug(nom(row))),
    "sigle": lambda dice, row: (
        f"{PAGE}/{acronym(row)}" if len(acronym(row)) > 2 else slip(dice, nom(row))
    ),
    "pièce jointe": lambda dice, row: dice.choice(
        ["voir pièce jointe", "cf. dossier", "à compléter", "fiche en cours", "beta.gouv.fr"]
    ),
}


def sloppy(dice: Dice, kind: str, row: Row, rows: Sequence[Row]) -> str:
    """Return an answer of a kind about a product; never exactly another product's id."""
    others = {plain(one["id"]) for one in rows} - {plain(row["id"])}
    for _ in range(50):
        typed = SLOPPY[kind](dice, row)
        last = re.sub(r"\.html?$", "", typed.rpartition("/")[2])
        # Without its last sign alone, a name is still the name.
        if plain(last) not in others and (kind != "nom tronqué" or plain(typed) != plain(nom(row))):
            return typed
    # Some names are exactly another product's id, however often one tries.
    return f"{PAGE}/{slip(dice, row['id'])}.html"


# ---- The usual mix -----------------------------------------------------------------------------
CENTRALES, OTHER_CODES = ("7120", "7113"), ("7389", "4110", "7410", "7111", "7160")
LOCALES, PRIVATE = ("7210", "7346", "7220"), ("9220", "5710")
OPERATEUR = "58205614900017"  # In the list.
WEAK, PAGES = ("nom", "site", "code", "ailleurs"), ("adresse",)
ADMITTED = ("investigation", "construction", "acceleration")
DECLARED = {"investigation": "Investigation", "construction": "Construction",
            "acceleration": "Accélération"}  # fmt: skip
PAST = {"transfer": "Transfert", "transfere": "Transfert"}


class Drawn(NamedTuple):
    """A dossier of the mix: its answers, and what the generator knows of them."""

    candidature: Candidature
    row: Row | None
    kind: str
    """How the answer names its product: adresse, one of WEAK, or another one."""
    agrees: bool
    """Whether the declared incubator is the product's."""
    code: str | None
    is_operateur: bool
    read_at: datetime


def mix(dice: Dice, of: Source, rules: RuleSet) -> Iterator[Drawn]:
    """Draw dossiers without an end.

    - 88 % of the products are in an admitted phase at the deposit, the others past it;
    - 78 % of the answers are the page's address, in any spelling that the rules take (bare, in a
      sentence of fillers, beside the product's own name or site), 16 % a weak identification (name,
      site, code, id elsewhere), 3 % have a slip or are cut, and 1 % each name two products, have
      other words beside an address, and name no page;
    - 92 % of the declared incubators are the catalogue's, by its id, title or short form;
    - the declared phase is the catalogue's but for 12 %; 6 % lack a needed answer;
    - applicants: 62 % administrations centrales, 27 % opérateurs of the list, 5 % undecided codes,
      4 % local bodies, 1 % private ones, 1 % without a code;
    - « Lancer » is chosen before acceleration; in acceleration « Internaliser » by the products
      that publish figures and code, and by one in ten of the others;
    - the catalogue is read within three days.
    """
    days = [date(2024, month, 15) for month in range(1, 13)]
    by_day = {day: by_phase(of.rows, day) for day in days}
    number = 0
    while True:
        day = dice.choice(days)
        admitted, past = by_day[day]
        row = dice.choice(admitted if dice.random() < 0.88 or not past else past)
        number += 1
        kind, typed = _answer(dice, row, of)
        agrees = dice.random() < 0.92
        phase = phase_at(row, day) or "investigation"
        declared = DECLARED.get(phase, PAST.get(phase, "Pérennisé"))
        if dice.random() < 0.12:
            declared = dice.choice([one for one in DECLARED.values() if one != declared])
        applicant, siret, is_operateur = _applicant(dice)
        deposited = datetime.combine(day, datetime.min.time(), UTC) + timedelta(hours=9)
        is_open = has(row, "stats_url") and has(row, "repository")
        changes: dict[str, Any] = {
            "numero": DossierNumber(number), "depose_le": deposited, "page_produit": typed,
            "phase_declaree": declared,
            "incubateur": _incubator(dice, row, of) if agrees else "Autre incubateur",
            "cas_demande": INTERNALISER if phase == "acceleration"
            and dice.random() < (0.6 if is_open else 0.1) else LANCER,
            "demandeur": Demandeur(
                "personne_morale", siret=siret, forme_juridique_code=applicant
            ),
        }  # fmt: skip
        if dice.random() < 0.06:
            changes["objectifs_12_mois"] = None
        read = deposited + timedelta(hours=dice.randint(1, 66))
        made = candidature_of(Dossier("", changes), rules)
        yield Drawn(made, row, kind, agrees, applicant, is_operateur, read)


def _answer(dice: Dice, row: Row, of: Source) -> tuple[str, str]:
    roll, name, where = dice.random(), nom(row), page(row)
    if roll < 0.78:
        own = [f"{name} : {where}", f"{where} ({name})"]
        own += [f"{where} {link(row)}"] if link(row) and "demarches" not in link(row) else []
        bare = where.removesuffix(".html")
        # Some ids differ in their capitals alone.
        if 1 == sum(one["id"].lower() == row["id"].lower() for one in of.rows):
            own.append(where.upper())
        return "adresse", dice.choice([
            where, where, where, bare, f"{bare}/", where.replace("https://", ""),
            where.replace("startups", "startup"), f"{where}?utm_source=x#y", f"<{where}>",
            f"Notre fiche est ici : {where}.", f"Lien vers la page produit : {where}", *own,
        ])  # fmt: skip
    if roll < 0.94:
        ways = {"ailleurs": f"https://beta.gouv.fr/produits/{row['id']}.html"}
        if 1 == sum(plain(nom(one)) == plain(name) for one in of.rows):
            ways["nom"] = dice.choice([name, f"Le produit {name}"])
        if owner_of(link(row), of.rows) and "demarches-simp" not in link(row):
            ways["site"] = link(row)
        if owner_of(code(row), of.rows):
            ways["code"] = code(row)
        kind = dice.choice(sorted(ways))
        return kind, ways[kind]
    if roll < 0.97:
        return "faute", sloppy(
            dice, dice.choice(["nom tronqué", "adresse, une faute"]), row, of.rows
        )
    if roll < 0.98:
        return "deux", f"{where} {page(dice.choice([r for r in of.rows if r is not row]))}"
    if roll < 0.99:
        return "mots", f"{where} (refonte prévue en 2025)"
    return dice.choice([("vide", ""), ("sans", "néant"), ("rien", "à venir"),
                        ("inconnue", f"{PAGE}/qzxwvk-hjkqw-zzwx.html")])  # fmt: skip


def _applicant(dice: Dice) -> tuple[str | None, str, bool]:
    roll, siret = dice.random(), "11000101300017"
    if roll < 0.62:
        return dice.choice(CENTRALES), siret, False
    if roll < 0.89:
        return "4110", OPERATEUR, True
    codes: Sequence[str | None] = OTHER_CODES
    if roll >= 0.94:
        codes = LOCALES if roll < 0.98 else PRIVATE if roll < 0.99 else (None,)
    return dice.choice(codes), siret, False


def _incubator(dice: Dice, row: Row, of: Source) -> str:
    title = of.titles.get(incubator(row), incubator(row))
    short = re.search(r"\((.+)\)", title)
    return dice.choice([incubator(row), title, title.upper(), short[1] if short else title])


def by_phase(rows: Sequence[Row], day: date) -> tuple[list[Row], list[Row]]:
    """Return the products in an admitted phase on a day, and those past it."""
    known = [(row, phase_at(row, day)) for row in rows]
    return (
        [row for row, phase in known if phase in ADMITTED and by_place(row, day) in ADMITTED],
        [row for row, phase in known if phase and phase not in ADMITTED
         and by_place(row, day) not in ADMITTED],
    )  # fmt: skip


# ---- The independent reading --------------------------------------------------------------------
def phase_at(row: Row, day: date) -> str | None:
    """Return the phase with the greatest (start, place) on or before a day, plain."""
    begun = [
        (phase["start"], place, plain(phase["name"]))
        for place, phase in enumerate(row["attributes"]["phases"])
        if phase["start"] and phase["start"] <= day.isoformat()
    ]
    return max(begun)[2] if begun else None


def by_place(row: Row, day: date) -> str | None:
    """Return the last listed phase that began on or before a day, plain."""
    begun = [p for p in row["attributes"]["phases"] if "" < p["start"] <= day.isoformat()]
    return plain(begun[-1]["name"]) if begun else None


def has(row: Row, field: str) -> bool:
    """Whether the page gives an address for statistics or code."""
    return str(row["attributes"].get(field) or "").startswith("http")


def reading(drawn: Drawn) -> dict[str, str]:
    """Return the result of each check, as a person reads the page of the rules."""
    candidature, row = drawn.candidature, drawn.row
    day = candidature.depose_le.date()
    found = {"depot": "conforme", "profils": "conforme"}
    found["administration"] = (
        "conforme" if drawn.is_operateur or drawn.code in CENTRALES
        else "non_conforme" if drawn.code in LOCALES else "a_verifier"
    )  # fmt: skip
    is_certain = drawn.kind == "adresse" or (drawn.kind in WEAK and drawn.agrees)
    found["fiche_produit"] = (
        "conforme" if is_certain
        else "non_conforme" if drawn.kind in ("vide", "sans", "inconnue") else "a_verifier"
    )  # fmt: skip
    found["completude"] = (
        "a_verifier" if Reponse.VIDE in candidature.reponses.values() else "conforme"
    )
    if row is None or drawn.kind not in ("adresse", "mots", *WEAK):
        return found
    found["doublon"] = "conforme"
    phase = phase_at(row, day)
    if phase not in ADMITTED:
        found["phase"] = "non_conforme" if is_certain else "a_verifier"
    else:
        declared = plain(candidature.phase_declaree or "")
        is_declared = declared in (phase, by_place(row, day))
        found["phase"] = "conforme" if is_declared else "a_verifier"
    starts = [p["start"] for p in row["attributes"]["phases"] if plain(p["name"]) == ADMITTED[0]]
    investigated = any("" < start <= day.isoformat() for start in starts) or phase in ADMITTED[1:]
    is_open = has(row, "stats_url") and has(row, "repository")
    is_met = is_open if candidature.cas_demande == INTERNALISER else investigated
    found["cas_octroi"] = "conforme" if is_met else "a_verifier"
    return found


def verdict(results: Mapping[str, str]) -> str:
    """Return the verdict of the results of all checks."""
    for result, name in (("non_conforme", "Inéligible"), ("a_verifier", "À vérifier")):
        if result in results.values():
            return name
    return "Éligible"


def decide(candidature: Candidature, catalogue: Catalogue, read_at: datetime) -> Decision:
    """Return dsync's decision."""
    return judge(candidature, PublicEvidence(catalogue, read_at), shipped_rules(), doublons=())
