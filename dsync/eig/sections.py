"""The programme's sections of the configuration: `[mapping]`, `[registre]`, and the checks.

`[mapping]` says which champ of the form fills which field of a candidature: by its descriptor id,
or by the labels that it has in the revisions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    create_model,
    model_validator,
)
from pydantic.json_schema import SkipJsonSchema

from dsync.controles.declarations import (
    ControlesSections,
    DeclaredChamp,
    DeclaredControle,
    DeclaredTable,
    Nom,
    Precontrole,
    Type,
    window_of,
)
from dsync.domain.remedies import MISSPELT, nearest
from dsync.domain.toml import DEFAULTS, Boolean, Section, champ_of
from dsync.domain.verdict import MOST_CHECKS
from dsync.domain.wording import slug

CATALOGUE_MAX_AGE = timedelta(days=14)
"""Since the last confirmation; after it, checks on the product give « impossible »."""

VOEUX, EVALUATIONS = REPETITIONS = ("voeux", "evaluations")
PROFIL = f"{VOEUX}.profil"
"""The column without which wishes cannot be checked."""

_NAME = re.compile(r"[a-z][a-z0-9_]*")
CHAMPS = {
    "page_produit": "text",
    "phase_declaree": "drop_down_list",
    "incubateur": "drop_down_list",
    "probleme": "textarea",
    "politique_publique": "textarea",
    "entite": "text",
    "departement": "departements",
    "lieu_travail": "address",
    "sponsor_nom": "text",
    "sponsor_fonction": "text",
    "sponsor_courriel": "email",
    "sponsor_telephone": "phone",
    "contact_nom": "text",
    "contact_fonction": "text",
    "contact_courriel": "email",
    "contact_telephone": "phone",
    "cas_demande": "drop_down_list",
    "pilotage_actuel": "textarea",
    "pilotage_envisage": "textarea",
    "objectifs_12_mois": "textarea",
    "benefices": "textarea",
    "perspectives": "textarea",
}
"""The champs of the form's six sections that fill a field of the candidature, and their types.

Another type of descriptor is read too, with a warning.
"""
ANNOTATIONS = {
    "etape": "drop_down_list",
    "valide_par_instructeur": "checkbox",
    "jury_le": "date",
    "convention_le": "date",
    "candidatures_le": "date",
    "entretiens_le": "date",
    "prise_de_poste_le": "date",
}
"""The same of annotations about selection and recruitment."""
_IN_ROWS = {
    "voeux": "repetition",
    "voeux.profil": "drop_down_list",
    "voeux.ordre": "integer_number",
    "voeux.missions": "textarea",
    "evaluations": "repetition",
    "evaluations.moment": "drop_down_list",
    "evaluations.evaluateur": "email",
    "evaluations.commentaire": "textarea",
    "critere": "integer_number",
}
"""The types of repetitions and of their columns."""
_TYPES = {**CHAMPS, **ANNOTATIONS, **_IN_ROWS}
# Not of `Candidature`: with it, every command would import SQLModel to read a configuration.
_OWN_COLUMNS = (
    "numero demarche_numero depose_le demandeur reponses bilan criteres criteres_libelles etapes "
    "extra produit_id par_sa_fiche departement_code departement_nom"
)
RESERVED = {*_OWN_COLUMNS.split(), *ANNOTATIONS, *REPETITIONS}
"""Names that a row of the candidature has already."""

NonBlank = Annotated[str, StringConstraints(min_length=1, pattern=r"\S")]


_TYPE, _NEEDED, _REQUIRED = " type", " needed", " required"
"""Facts of a champ, and what the checks need of them all: no key of a file gives them."""


class ChampTarget(Section):
    """A champ or annotation: its id in DS, its labels for a form without this id, or both."""

    id: NonBlank | None = None
    """The descriptor's id in DS, the same in all revisions of the form."""
    libelles: tuple[NonBlank, ...] = ()
    """The current label first, then former ones."""
    type: SkipJsonSchema[str | None] = Field(default=None, alias=_TYPE)
    """The type that the field expects of the descriptor; another one is read with a warning."""
    needed: SkipJsonSchema[Boolean] = Field(default=False, alias=_NEEDED)
    """Whether a dossier is incomplete without it, by the checks."""

    @model_validator(mode="before")
    @classmethod
    def _written(cls, given: Any) -> Any:
        found: Any = champ_of(given)
        if isinstance(found, dict) and "repetition" in found:
            rest = {key: value for key, value in found.items() if key != "repetition"}
            own = champ_of(found["repetition"])
            return {**own, **rest} if isinstance(own, dict) else rest
        return found

    @model_validator(mode="after")
    def _can_be_found(self) -> Self:
        if self.id is None and not self.libelles:
            raise ValueError("give an id, or at least one label in libelles")
        return self


class _ExtraTargets(Section):
    """Base of the model whose other keys are entries of the candidature's `extra`."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, ChampTarget]

    @model_validator(mode="after")
    def _has_usable_names(self) -> Self:
        for name in self.__pydantic_extra__:
            if not _NAME.fullmatch(name):
                raise ValueError(f"{name}: expected a name such as code_postal, in a-z, 0-9 and _")
            if name in RESERVED:
                raise ValueError(f"{name}: no champ fills it; choose another name")
        return self


def _targets(name: str, base: type[Section], keys: Iterable[str]) -> type[BaseModel]:
    """Return a model with a champ, or none, for each key."""
    fields: dict[str, Any] = {key: (ChampTarget | None, None) for key in keys}
    return create_model(name, __base__=base, **fields)


ChampTargets = _targets("ChampTargets", _ExtraTargets, CHAMPS)
AnnotationTargets = _targets("AnnotationTargets", Section, ANNOTATIONS)


class VoeuxTarget(ChampTarget):
    """The repetition of wished profiles and its columns."""

    profil: ChampTarget | None = None
    """The column of the profile."""
    ordre: ChampTarget | None = None
    """The column of the order of preference."""
    missions: ChampTarget | None = None
    """The column of the missions."""


class CritereTarget(ChampTarget):
    """A criterion of the evaluation grid."""

    critere: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
    """Its name in the views."""


class EvaluationsTarget(ChampTarget):
    """The repetition of evaluation grids, its columns and its criteria."""

    moment: ChampTarget | None = None
    """The column of the moment of the evaluation."""
    evaluateur: ChampTarget | None = None
    """The column of the evaluator's e-mail."""
    commentaire: ChampTarget | None = None
    """The column of the comment."""
    criteres: tuple[CritereTarget, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _by_name(cls, given: Any) -> Any:
        criteres = given.get("criteres") if isinstance(given, dict) else None
        if not isinstance(criteres, dict):
            return given
        typed = {name: _typed("critere", one) for name, one in criteres.items()}
        made = [
            {"critere": name, **(one if isinstance(one, dict) else {"id": one})}
            for name, one in typed.items()
        ]
        return {**given, "criteres": made}


CHAMP_FIELDS = (*CHAMPS, VOEUX)
OPTIONAL = frozenset({"sponsor_telephone", "contact_fonction", "contact_telephone", "perspectives"})
"""Those that no complete dossier needs, and no check in Python reads."""
ANNOTATION_FIELDS = (*ANNOTATIONS, EVALUATIONS)


class MappingConfig(Section):
    """The whole section `[mapping]`."""

    champs: ChampTargets = DEFAULTS  # type: ignore[valid-type]
    voeux: VoeuxTarget | None = None
    annotations: AnnotationTargets = DEFAULTS  # type: ignore[valid-type]
    evaluations: EvaluationsTarget | None = None
    autres: tuple[ChampTarget, ...] = ()
    """Descriptors without a field, which are not reported as new."""

    @model_validator(mode="before")
    @classmethod
    def _completed(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        found = dict(given)
        for section in ("champs", "annotations"):
            if isinstance(targets := found.get(section), dict):
                found[section] = {name: _typed(name, one) for name, one in targets.items()}
        for field in REPETITIONS:
            if isinstance(columns := found.get(field), dict):
                found[field] = {
                    name: one
                    if name in _OWN
                    else _typed(field if name == "repetition" else f"{field}.{name}", one)
                    for name, one in columns.items()
                }
        return _with_needed(found)

    @model_validator(mode="after")
    def _is_unambiguous(self) -> Self:
        targets = list(self._all())
        # Labels may be repeated: a form can have one label twice, and ids decide first.
        problems = list(_repeated("id", [(target.id, key) for key, target in targets]))
        problems += _repeated(
            "critere", [(t.critere, key) for key, t in targets if isinstance(t, CritereTarget)]
        )
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @property
    def extras(self) -> Mapping[str, ChampTarget]:
        """The champs that no field declares: entries of the candidature's `extra`, by name."""
        champs: Any = self.champs
        return champs.model_extra or {}

    def misspelt(self) -> dict[str, str]:
        """Return the extra champs whose name resembles a field without a champ, with the field."""
        # All but `voeux`, which is a section of its own and not a key of `[mapping.champs]`.
        free = [name for name in CHAMP_FIELDS[:-1] if getattr(self.champs, name) is None]
        found = {
            name: nearest(name, free, at_least=MISSPELT)
            for name, target in self.extras.items()
            if name not in map(slug, target.libelles)  # As `config init` names it.
        }
        return {name: field for name, field in found.items() if field}

    def top_level(self) -> Iterator[tuple[str, ChampTarget, bool]]:
        """Yield each mapped field outside rows: name, target, whether it is an annotation."""
        yield from ((name, target, False) for name, target in _given(self.champs))
        yield from ((name, target, False) for name, target in self.extras.items())
        if self.voeux:
            yield VOEUX, self.voeux, False
        yield from ((name, target, True) for name, target in _given(self.annotations))
        if self.evaluations:
            yield EVALUATIONS, self.evaluations, True

    def columns(self, field: str) -> Iterator[tuple[str, ChampTarget]]:
        """Yield the columns of `voeux` or `evaluations`, criteria by `criteres.<name>`."""
        target = self.voeux if field == VOEUX else self.evaluations
        if target is None:
            return
        yield from _given(target)
        if isinstance(target, EvaluationsTarget):
            yield from ((f"criteres.{critere.critere}", critere) for critere in target.criteres)

    def declared(self) -> dict[str, DeclaredChamp]:
        """Return the fields that declared checks may use, by name."""
        found = {}
        for name, target, is_annotation in self.top_level():
            if is_annotation:
                continue
            columns = {
                key: one.id or one.libelles[0] for key, one in self.columns(name) if name == VOEUX
            }
            type_ = Type.LIGNES if name == VOEUX else Type.TEXTE
            found[name] = DeclaredChamp(
                id=target.id, libelles=target.libelles or (name,), type=type_, colonnes=columns
            )
        return found

    @property
    def opened(self) -> frozenset[str]:
        """The ids of the champs that feed fields which readers without personal data see."""
        from dsync.eig.candidature import OPEN  # As above: not to read a configuration.

        return frozenset(
            target.id for name, target, _ in self.top_level() if target.id and name in OPEN
        ) | {
            target.id
            for field in REPETITIONS
            for name, target in self.columns(field)
            if target.id and f"{field}.{name.partition('.')[0]}" in OPEN
        }

    def _all(self) -> Iterator[tuple[str, ChampTarget]]:
        for name, target, is_annotation in self.top_level():
            section = "" if name in REPETITIONS else "annotations." if is_annotation else "champs."
            yield f"{section}{name}", target
        for field in REPETITIONS:
            yield from ((f"{field}.{name}", target) for name, target in self.columns(field))
        yield from ((f"autres[{index}]", target) for index, target in enumerate(self.autres))


_OWN = {*ChampTarget.model_fields, "criteres"}
"""Keys of a repetition that are no column."""


def _typed(name: str, given: Any) -> Any:
    """Return a champ with the type that its field expects; a table stays as it is."""
    if not isinstance(given, str | list):
        return given
    try:
        found: Any = champ_of(given)
    except ValueError:
        return given  # Said where the champ is read.
    return {**found, _TYPE: _TYPES[name]} if name in _TYPES else found


def _with_needed(mapping: dict[str, Any]) -> dict[str, Any]:
    champs, required = mapping.get("champs", {}), mapping.pop(_REQUIRED, ())
    if not isinstance(champs, dict):
        return mapping
    needed = {
        name: {**one, _NEEDED: True}
        for name, one in [*champs.items(), (VOEUX, mapping.get(VOEUX))]
        if name in required and isinstance(one, dict)
    }
    voeux = {VOEUX: needed.pop(VOEUX)} if VOEUX in needed else {}
    return {**mapping, **({"champs": {**champs, **needed}} if needed else {}), **voeux}


def _given(section: BaseModel) -> Iterator[tuple[str, ChampTarget]]:
    for name in type(section).model_fields:
        target = getattr(section, name)
        if isinstance(target, ChampTarget):
            yield name, target


def _repeated(what: str, given: list[tuple[str | None, str]]) -> Iterator[str]:
    keys: dict[str, list[str]] = {}
    for value, key in given:
        if value:
            keys.setdefault(value, []).append(key)
    for value, places in keys.items():
        if len(places) > 1:
            yield f"{what} {value!r} is given to {', '.join(places)}"


class RegistreConfig(Section):
    """The API Recherche d'entreprises, for applicants whose legal category DS does not have."""

    enabled: Boolean = False
    """Whether it is asked."""


class EigSections(Section):
    """The sections of the TOML file that the programme reads."""

    mapping: MappingConfig
    precontrole: Precontrole = DEFAULTS
    registre: RegistreConfig = DEFAULTS
    tables: Mapping[Nom, DeclaredTable] = {}
    controles: tuple[DeclaredControle, ...] = Field(default=(), max_length=MOST_CHECKS)
    """Without them, nothing is judged."""

    @model_validator(mode="before")
    @classmethod
    def _with_required(cls, given: Any) -> Any:
        mapping = given.get("mapping") if isinstance(given, dict) else None
        if not isinstance(mapping, dict):
            return given
        exiges = [
            exige
            for one in given.get("controles", ())
            if isinstance(one, dict) and isinstance(exige := one.get("exige"), dict)
        ]
        required = [
            name
            for exige in exiges
            if isinstance(names := exige.get("tous_presents"), list)
            for name in names
            if name in {*mapping.get("champs", ()), *CHAMP_FIELDS}
        ]
        return {**given, "mapping": {**mapping, _REQUIRED: required}}

    @property
    def window(self) -> tuple[date, date] | None:
        """The first and the last day of the call, inclusive."""
        return window_of(self.controles)

    @property
    def declared_checks(self) -> ControlesSections:
        """The declared checks, with the fields that they may use."""
        champs = self.mapping.declared()
        controles = []
        for one in self.controles:
            # A form need not have each field of the candidature.
            if one.exige and (names := one.exige.tous_presents):
                known = tuple(n for n in names if n in champs or n not in CHAMP_FIELDS)
                exige = one.exige.model_copy(update={"tous_presents": known})
                one = one.model_copy(update={"exige": exige})
            controles.append(one)
        return ControlesSections(
            precontrole=self.precontrole,
            champs=champs,
            tables=self.tables,
            controles=tuple(controles),
        )

    @property
    def extra_labels(self) -> dict[str, str]:
        """The labels of the candidature's `extra`, by name."""
        extras = self.mapping.extras.items()
        return {name: target.libelles[0] if target.libelles else name for name, target in extras}
