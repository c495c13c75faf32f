"""The sections `[champs]`, `[tables]` and `[[controles]]` of a démarche's TOML file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from hashlib import sha256
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    model_validator,
)

from dsync.controles.notations import FORMATS, Moment
from dsync.domain.account import LONGEST_DEMAND
from dsync.domain.dossier import Etat
from dsync.domain.ids import GREATEST_NUMBER
from dsync.domain.toml import (
    DEFAULTS,
    Begun,
    Boolean,
    Day,
    Filled,
    Section,
    Sentence,
    WholeNumber,
)
from dsync.domain.verdict import MOST_CHECKS, Resultat, Verdict


class Type(StrEnum):
    """What a champ is read as; the type of its question in DS may be another one."""

    TEXTE = "texte"
    NOMBRE = "nombre"
    DATE = "date"
    OUI_NON = "oui_non"
    CHOIX = "choix"
    """One or several options."""
    LIGNES = "lignes"
    """The rows of a repetition."""
    PIECES = "pieces"
    """Files, by their names."""


def _constant(value: object) -> object:
    """Return a value of the TOML file: a number is exact, an hour is that of Paris."""
    if isinstance(value, datetime) and value.tzinfo:
        raise ValueError("expected an hour such as 2027-06-30T12:00:00, which is that of Paris")
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = Decimal(str(value))
    if isinstance(value, bool | str | date) or (isinstance(value, Decimal) and value.is_finite()):
        return value
    if isinstance(value, dict):
        raise ValueError(  # noqa: TRY004
            "expected a value: { champ = … } goes with egal, au_moins and au_plus"
        )
    if isinstance(value, list):
        raise ValueError("expected one value: several go with parmi")  # noqa: TRY004
    raise ValueError("expected a text, a number, a day, true or false")


def _number(value: object) -> Decimal:
    if isinstance(value, str | dict) or not isinstance(constant := _constant(value), Decimal):
        raise ValueError(  # noqa: TRY004
            "expected a number: a champ is compared with, not multiplied or added; ask for the "
            "result in the form, or have a person check it (humain = true)"
        )
    return constant


# Not a union: pydantic would try each type on each value.
Constante = Annotated[Any, BeforeValidator(_constant)]
Nombre = Annotated[Decimal, BeforeValidator(_number)]
Texte = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]
Phrase = Annotated[Texte, Sentence]
Demande = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_DEMAND),
    Sentence,
]
Nom = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


class DeclaredChamp(Section):
    """A question of the form whose answer the checks use."""

    id: str | None = None
    """Of its descriptor in DS."""
    libelles: tuple[Texte, ...] = ()
    """Its labels, where no descriptor has the id."""
    type: Type
    colonnes: Mapping[Nom, str] = {}
    """Of `lignes`: the id or the label of each column that is used."""


class DeclaredTable(Section):
    """A CSV file beside the TOML file."""

    fichier: Texte
    cle: Texte
    """The column by which a row is found."""
    annee: WholeNumber = Field(ge=1900, le=2200)
    """For which it holds."""
    source: Phrase
    """Where it is published."""


SUJETS = ("champ", "somme", "nombre", "colonne")


class _DuSujet(Section):
    champ: str | None = None
    """A name of `[champs]`, or a fact that every démarche has."""
    somme: str | None = None
    """The sum of a column, as `financeurs.montant`."""
    nombre: str | None = None
    """The number of rows of a champ of type `lignes`."""
    colonne: str | None = None
    """The different answers in a column, as `voeux.profil`; `au_plus` counts them."""

    @property
    def sujets(self) -> dict[str, str]:
        """The subjects that are given: one, if the declaration is right."""
        return {key: v for key in SUJETS if (v := getattr(self, key)) is not None}


class Borne(_DuSujet):
    """A bound that depends on the dossier or on a table."""

    table: str | None = None
    """With `cle`, the champ that finds the row, and `valeur`, the column that has the bound."""
    cle: str | None = None
    valeur: str | None = None
    fois: Nombre = Decimal(1)
    plus: Nombre = Decimal(0)
    plus_jours: WholeNumber = Field(default=0, ge=-36600, le=36600)
    plus_mois: WholeNumber = Field(default=0, ge=-1800, le=1800)
    plus_ans: WholeNumber = Field(default=0, ge=-150, le=150)


# By what is given: a fault in a bound is told of the bound alone.
ConstanteOuBorne = Annotated[
    Annotated[Constante, Tag("[constante]")] | Annotated[Borne, Tag("[borne]")],
    Discriminator(lambda v: "[borne]" if isinstance(v, dict | Borne) else "[constante]"),
]


class Option(Section):
    """An answer of a list that is on offer for some days, in all its wordings."""

    libelles: tuple[Texte, ...] = Field(min_length=1)
    """The options of the form for it; the first one is its name."""
    mots: tuple[Texte, ...] = ()
    """Words that identify it in another wording."""
    du: Day | None = None
    """First day of deposit on which it may be chosen."""
    au: Day | None = None
    """Last one."""

    def is_offered(self, day: date | None) -> bool:
        """Return whether it may be chosen in a dossier deposited on a day; None: it is not said."""
        return day is None or (
            (self.du is None or self.du <= day) and (self.au is None or day <= self.au)
        )


ConstanteOuOption = Annotated[
    Annotated[Constante, Tag("[constante]")] | Annotated[Option, Tag("[option]")],
    Discriminator(
        lambda v: (
            "[option]"
            if isinstance(v, Option) or (isinstance(v, dict) and "libelles" in v)
            else "[constante]"
        )
    ),
]


class AutreDemarche(Section):
    """A dossier of the same applicant in another démarche of the database."""

    numero: WholeNumber = Field(gt=0, le=GREATEST_NUMBER)
    etats: tuple[Etat, ...] = (Etat.ACCEPTE,)
    depose_depuis: Day | None = None
    """First day of its deposit."""
    depose_avant: Day | None = None
    """Day before which it was deposited."""


class Exigence(_DuSujet):
    """What a dossier has to fulfil: one subject, and operators that all have to hold."""

    un_de: tuple[Exigence, ...] = ()
    """One of these has to hold, instead of a subject and operators."""

    present: Boolean | None = None
    """Whether it is answered; false is for `si` alone."""
    egal: ConstanteOuBorne | None = None
    parmi: tuple[ConstanteOuOption, ...] | None = None
    pas_parmi: tuple[Constante, ...] | None = None
    commence_par: tuple[Texte, ...] | None = None
    dans_table: str | None = None
    pas_dans_table: str | None = None
    au_moins: ConstanteOuBorne | None = None
    au_plus: ConstanteOuBorne | None = None
    format: Literal[tuple(FORMATS)] | None = None  # type: ignore[valid-type]
    fichiers: tuple[Texte, ...] | None = None
    """Accepted endings of names."""
    unique_avec: tuple[str, ...] | None = None
    """No other dossier has the same answer to this champ and to these; `unique = "x"` says it of
    `x` alone."""
    tous_presents: tuple[str, ...] | None = Field(default=None, min_length=1)
    """Each of these is answered, as far as the form asked for it; instead of a subject."""
    autre_demarche: AutreDemarche | None = None
    pas_autre_demarche: AutreDemarche | None = None

    @model_validator(mode="before")
    @classmethod
    def _without_negation(cls, given: object) -> object:
        # The nearest key of « pas_egal » would say the opposite.
        if isinstance(given, dict) and "pas_egal" in given:
            raise ValueError("pas_egal is written pas_parmi = [ … ]")
        if isinstance(given, dict) and isinstance(unique := given.get("unique"), str):
            rest = {key: value for key, value in given.items() if key != "unique"}
            return {"champ": unique, "unique_avec": (), **rest}
        return given

    @cached_property
    def operateurs(self) -> dict[str, Any]:
        """The operators that are given."""
        return {key: v for key in OPERATEURS if (v := getattr(self, key)) is not None}

    @property
    def parts(self) -> tuple[Exigence, ...]:
        """The requirements that have a subject."""
        return self.un_de or (self,)

    @property
    def bornes(self) -> list[Borne]:
        """The bounds that depend on the dossier or on a table, of all parts."""
        given = [b for part in self.parts for b in (part.egal, part.au_moins, part.au_plus)]
        return [bound for bound in given if isinstance(bound, Borne)]

    @cached_property
    def names(self) -> list[str]:
        """The champs, facts and columns (`champ.colonne`) that it uses, once each."""
        found = [name for one in (*self.parts, *self.bornes) for name in one.sujets.values()]
        found += [bound.cle for bound in self.bornes if bound.cle]
        found += [
            name
            for part in self.parts
            for name in (*(part.unique_avec or ()), *(part.tous_presents or ()))
        ]
        return list(dict.fromkeys(found))

    @property
    def tables(self) -> list[str]:
        """The tables that it uses, once each."""
        found = [name for part in self.parts for name in (part.dans_table, part.pas_dans_table)]
        return list(dict.fromkeys(filter(None, [*found, *(one.table for one in self.bornes)])))


OPERATEURS = tuple(key for key in Exigence.model_fields if key not in (*SUJETS, "un_de"))


class Exemple(Section):
    """An example, which decides whether a check does what its author means."""

    champs: Mapping[str, Constante | tuple[Constante, ...]] = {}
    lignes: Mapping[str, tuple[Mapping[str, Constante], ...]] = {}
    resultat: Resultat


class DeclaredControle(Section):
    """A check."""

    nom: Nom
    titre: Phrase
    si: Exigence | None = None
    """The check applies to dossiers that fulfil it; to others it is `sans_objet`."""
    exige: Exigence | None = None
    fonction: Texte | None = None
    """The function that makes it, instead of `exige`: of an installed package, or the programme."""
    faits: tuple[str, ...] = ()
    """The champs and facts that the function takes: each has to be answered. None for one of the
    programme, which takes the dossier whole."""
    parametres: Mapping[str, Any] = {}
    """What the function takes beside them."""
    humain: Boolean = False
    """Whether a person makes it: it is listed, and the machine never answers it."""
    sinon: Literal[Resultat.A_VERIFIER, Resultat.NON_CONFORME] = Resultat.A_VERIFIER
    sans_reponse: Literal[Resultat.A_VERIFIER, Resultat.SANS_OBJET] = Resultat.A_VERIFIER
    """The result where the applicant has not answered."""
    motif: Phrase | None = None
    """The sentence of a dossier that does not fulfil it."""
    trop: Phrase | None = None
    """That of one with more answers in a column than `au_plus`."""
    conforme: Phrase | None = None
    """The sentence of one that does."""
    demande: Demande | None = None
    """What the applicant is asked for, in the message that a person transmits."""
    regle: Annotated[Texte, Begun]
    """The published rule."""
    a_faire: Annotated[str, Sentence] = Field(default="", max_length=1000)
    """What an instructeur has to do; a function of the programme says it itself."""
    exemple: tuple[Exemple, ...] = ()

    @property
    def exigences(self) -> list[Exigence]:
        """Condition and requirement, as far as they are given."""
        return [one for one in (self.si, self.exige) if one is not None]

    @property
    def parts(self) -> list[Exigence]:
        """The requirements that have a subject, those of its condition included."""
        return [part for one in self.exigences for part in one.parts]

    @cached_property
    def champs(self) -> list[str]:
        """The champs and facts that it uses, sorted."""
        names = {name for one in self.exigences for name in one.names}
        return sorted({name.partition(".")[0] for name in names.union(self.faits)})

    @cached_property
    def cellules(self) -> list[Borne]:
        """The bounds that are in tables."""
        return [bound for one in self.exigences for bound in one.bornes if bound.table]

    @cached_property
    def digest(self) -> str:
        """A digest of what it requires."""
        given = [one.model_dump_json(exclude_defaults=True) for one in self.exigences]
        if self.fonction:
            given.append(repr((self.fonction, self.faits, self.parametres)))
        return sha256("\n".join(given).encode()).hexdigest()[:12]

    @cached_property
    def sinon_effectif(self) -> Resultat:
        """The result of a dossier that does not fulfil it.

        « non_conforme » needs an example of each way: without them, a person has a look. The
        programme's own functions have examples in its tests.
        """
        if self.fonction and not self.faits:
            return self.sinon
        shown = {exemple.resultat for exemple in self.exemple}
        is_shown = {Resultat.CONFORME, Resultat.NON_CONFORME} <= shown
        return self.sinon if is_shown else Resultat.A_VERIFIER


class Precontrole(Section):
    """Section `[precontrole]`: what stands around the results."""

    instruction: Annotated[Texte, Filled] = "l’équipe d’instruction"
    """Who decides on the dossiers, with its article."""
    publication_url: Annotated[str, Field(pattern=r"^https://\S+$", max_length=300)] | None = None
    """Where the page of `dsync rules publish` is."""
    answer_days: WholeNumber = Field(default=15, ge=1)
    """Days that an applicant has to answer, for the text of `dsync dossier message`."""
    max_detail_length: WholeNumber = Field(default=8000, ge=1000, le=10_000)
    """Maximum number of characters of the detail."""


def window_of(controles: Iterable[DeclaredControle]) -> tuple[date, date] | None:
    """Return the first and the last day of deposit, where a check gives both."""
    for one in controles:
        if (exige := one.exige) and exige.champ == "depot":
            first, last = exige.au_moins, exige.au_plus
            if isinstance(first, date) and isinstance(last, date):
                return Moment.without_hour(first), Moment.without_hour(last)
    return None


def closing_of(controles: Iterable[DeclaredControle]) -> datetime | None:
    """Return the last second of deposit, in Paris without a zone, where a check gives a bound."""
    for one in controles:
        last = one.exige.au_plus if one.exige and one.exige.champ == "depot" else None
        if isinstance(last, datetime):
            return last
        if isinstance(last, date):
            # The day is whole.
            return datetime.combine(last, time(23, 59, 59))
    return None


class ControlesSections(Section):
    """The sections of the TOML file that declare checks."""

    precontrole: Precontrole = DEFAULTS
    champs: Mapping[Nom, DeclaredChamp] = {}
    tables: Mapping[Nom, DeclaredTable] = {}
    controles: tuple[DeclaredControle, ...] = Field(default=(), max_length=MOST_CHECKS)

    @property
    def titles(self) -> dict[str, str]:
        """The titles of the checks by name, in their order."""
        return {one.nom: one.titre for one in self.controles}

    @property
    def best_verdict(self) -> Verdict:
        """The best verdict: while a check is a person's, no dossier is called « Éligible »."""
        has_people = any(one.humain for one in self.controles)
        return Verdict.RIEN_A_SIGNALER if has_people else Verdict.ELIGIBLE
