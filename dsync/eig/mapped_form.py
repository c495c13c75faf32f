"""From typed dossiers to candidatures: finds the fields in a revision of the form, reads rows.

A descriptor id is the same in all revisions and is tried first, then the labels.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from hashlib import sha256
from typing import Any, NamedTuple

from msgspec.structs import replace

from dsync.annotations.targets import ACCEPTED_TYPES
from dsync.domain.champs import (
    DescriptorIds,
    boolean_of,
    day_of,
    departement_of,
    is_blank,
    is_blank_row,
    number_of,
    rank_of,
    text_of,
)
from dsync.domain.dossier import (
    LAYOUT_TYPES,
    Champ,
    Correction,
    Descriptor,
    Dossier,
    Json,
    Ligne,
    Revision,
)
from dsync.domain.ids import DescriptorId
from dsync.domain.json_bytes import json_bytes
from dsync.domain.means import exact, mean, rounded
from dsync.domain.wording import fold, folded
from dsync.eig.candidature import (
    BLANK,
    Bilan,
    Candidature,
    Grille,
    Reponse,
    Voeu,
    declared_fields,
)
from dsync.eig.candidature_views import EXTRA, MAIN_VIEW
from dsync.eig.sections import (
    ANNOTATION_FIELDS,
    CHAMP_FIELDS,
    EVALUATIONS,
    OPTIONAL,
    PROFIL,
    REPETITIONS,
    VOEUX,
    ChampTarget,
    MappingConfig,
)
from dsync.eig.stages import DATED, STAGES_REVISION, passages_of

_DEPARTEMENT = "departement"
GRIDS_REVISION = 1
"""Raise it when `weighed` changes: the next full read then writes all rows again."""

Cells = Mapping[DescriptorId | None, Champ]
_Lignes = list[tuple[int, Cells]]
"""The rows that are not blank, with their numbers from 1."""
_FieldIds = tuple[tuple[str, DescriptorId | None], ...]
"""Fields with the descriptor id of their champ; None if the revision has none."""


def _read(dossier: Dossier, form: MappedForm) -> dict[str, Any]:
    """Return the columns of a dossier's candidature that the mapping fills."""
    reponses: dict[str, Reponse] = {}
    extra: dict[str, Json] = {}
    fields: dict[str, Any] = {
        **BLANK,
        "numero": dossier.number,
        "depose_le": dossier.date_depot,
        "demandeur": replace(dossier.demandeur, details={}),
        "reponses": reponses,
        "extra": extra,
    }
    for places, champs in (
        (form.champs, dossier.champs),
        (form.annotations, dossier.annotations),
    ):
        by_id: Cells = {champ.descriptor_id: champ for champ in champs}
        for name, id_ in places:
            champ = by_id.get(id_)
            if champ is None:
                reponses[name] = Reponse.NON_DEMANDE if id_ else Reponse.NON_ASSOCIE
                continue
            # DS gives each mandatory or private repetition an empty row at creation, which is no
            # answer.
            lignes = _filled(champ.lignes, form) if champ.lignes else []
            is_empty = not lignes if champ.lignes else is_blank(champ, form.checkboxes)
            reponses[name] = Reponse.VIDE if is_empty else Reponse.REMPLI
            if name == _DEPARTEMENT:
                fields["departement_code"], fields["departement_nom"] = departement_of(champ)
            elif name == VOEUX and champ.lignes:
                fields[name] = _read_voeux(lignes, form)
                profil = form.in_rows.get(PROFIL)
                # Rows without the column say nothing about the profiles: taken for blank ones, they
                # would make each dossier « Inéligible ».
                if lignes and not any(profil in cells for _, cells in lignes):
                    reponses[name] = Reponse.NON_DEMANDE if profil else Reponse.NON_ASSOCIE
            elif name == EVALUATIONS:
                fields[name], fields["bilan"] = weighed(
                    _read_grille(number, cells, form) for number, cells in lignes
                )
                if lignes:
                    fields["criteres"] = tuple([name for name, *_ in form.criteres])
                    fields["criteres_libelles"] = tuple([label for _, label, _ in form.criteres])
            elif name in form.extras:
                if not is_empty:
                    extra[name] = _EXTRA_READERS.get(form.extras[name], text_of)(champ)
            else:
                # A field whose champ became a repetition gets the joined texts of its rows.
                fields[name] = _READERS[name](champ)
    return fields


def _filled(lignes: Iterable[Ligne], form: MappedForm) -> _Lignes:
    return [
        (number, {cell.descriptor_id: cell for cell in ligne.champs})
        # Numbered before the blank rows are left out, so that a row keeps its number.
        for number, ligne in enumerate(lignes, start=1)
        if not is_blank_row(ligne, form.checkboxes)
    ]


def _read_voeux(lignes: _Lignes, form: MappedForm) -> tuple[Voeu, ...]:
    """Read the wishes in order of preference; without a preference the row's number counts."""
    columns = form.in_rows
    voeux = []
    for number, cells in lignes:
        ordre = cells.get(columns.get("voeux.ordre"))
        rang = rank_of(ordre) if ordre else None
        voeux.append(
            Voeu(
                rang=number if rang is None else rang,
                profil=_text(cells, columns.get(PROFIL)),
                missions=_text(cells, columns.get("voeux.missions")),
            )
        )
    # A stable sort: wishes of the same rank stay in the order of the form.
    return tuple(sorted(voeux, key=lambda voeu: voeu.rang))


def _voeux_in(champ: Champ) -> tuple[Voeu, ...]:
    """Read the wishes in a form that asks for profiles by a list or a text."""
    profils = champ.valeur if isinstance(champ.valeur, list) else [text_of(champ)]
    return tuple(
        Voeu(rang, str(profil), None) for rang, profil in enumerate(profils, start=1) if profil
    )


def _read_grille(number: int, cells: Cells, form: MappedForm) -> Grille:
    columns = form.in_rows
    marked = [cells.get(id_) for *_, id_ in form.criteres]
    return Grille(
        ligne=number,
        moment=_text(cells, columns.get("evaluations.moment")),
        evaluateur=_text(cells, columns.get("evaluations.evaluateur")),
        commentaire=_text(cells, columns.get("evaluations.commentaire")),
        notes=tuple([number_of(cell) if cell else None for cell in marked]),
    )


def _text(cells: Cells, id_: DescriptorId | None) -> str | None:
    cell = cells.get(id_)
    return text_of(cell) if cell else None


_BY_TYPE: Mapping[Any, Callable[[Champ], Any]] = {
    str | None: text_of,
    date | None: day_of,
    bool | None: boolean_of,
    int | None: rank_of,
    float | None: number_of,
}
_EXTRA_READERS: Mapping[str, Callable[[Champ], Any]] = {
    "date": lambda champ: (day := day_of(champ)) and day.isoformat(),
    "integer_number": rank_of,
    "decimal_number": number_of,
    "checkbox": boolean_of,
    "yes_no": boolean_of,
}
"""The function that reads an extra champ, by its type; other types are texts."""
_READERS: Mapping[str, Callable[[Champ], Any]] = {
    **{name: _BY_TYPE[Candidature.model_fields[name].annotation] for name, _ in declared_fields()},
    VOEUX: _voeux_in,
}
"""The function that reads each field, chosen by the field's declared type."""


VALIDATED = "valide_par_instructeur"
_VIEWS = {VOEUX: "lecture_voeu", EVALUATIONS: "lecture_evaluation"}
"""The views with a row a row of a repetition."""
Field = tuple[str, ChampTarget, bool]
"""A field's name, its champ or annotation, and whether it is an annotation."""


class FieldMatch(NamedTuple):
    """A mapped field with its descriptor in a revision, None if it is missing there.

    Columns of repetitions are named `voeux.profil`, `evaluations.criteres.<name>`, ….
    """

    field: str
    target: ChampTarget
    descriptor: Descriptor | None

    @property
    def is_by_id(self) -> bool:
        """Whether its id was found; else its label was, if anything."""
        return self.descriptor is not None and self.descriptor.id == self.target.id

    @property
    def is_needed(self) -> bool:
        """Whether the checks lack an answer without it."""
        return self.target.needed or self.field == PROFIL

    @property
    def renamed_to(self) -> str | None:
        """The label in the form, if it is none of the configured labels; else None."""
        if self.descriptor is None:
            return None
        known = {folded(libelle) for libelle in self.target.libelles}
        return self.descriptor.libelle if folded(self.descriptor.libelle) not in known else None

    @property
    def type_changed(self) -> tuple[str, str] | None:
        """The expected and the actual type, if they differ; else None."""
        expected = self.target.type
        if self.descriptor is None or expected is None or self.descriptor.type == expected:
            return None
        return expected, self.descriptor.type


def match_fields(
    config: MappingConfig, descriptors: Mapping[DescriptorId, Descriptor]
) -> list[FieldMatch]:
    """Find all mapped fields in a revision, the columns of repetitions last."""
    matches = match_in(
        list(config.top_level()),
        [d for d in descriptors.values() if d.parent_id is None],
    )
    for repetition in [match for match in matches if match.field in REPETITIONS]:
        parent = repetition.descriptor
        children = [d for d in descriptors.values() if parent and d.parent_id == parent.id]
        is_annotation = repetition.field == EVALUATIONS
        matches += match_in(
            [
                (f"{repetition.field}.{name}", target, is_annotation)
                for name, target in config.columns(repetition.field)
            ],
            children,
        )
    return matches


def new_in(
    config: MappingConfig,
    revision: Revision,
    matches: Iterable[FieldMatch],
    known: Iterable[str] = (),
) -> list[Descriptor]:
    """Return the descriptors without a field that the configuration does not mention.

    `known` are ids of descriptors with another use.
    """
    used = {match.descriptor.id for match in matches if match.descriptor}
    others = {target.id for target in config.autres} | set(known)
    other_labels = {folded(libelle) for target in config.autres for libelle in target.libelles}
    return [
        d
        for d in revision.descriptors.values()
        if d.id not in used
        and d.id not in others
        and d.type not in LAYOUT_TYPES
        and folded(d.libelle) not in other_labels
    ]


def match_in(fields: list[Field], descriptors: list[Descriptor]) -> list[FieldMatch]:
    """Find fields among descriptors: by id first, so that no label takes what an id names."""
    candidates = [d for d in descriptors if d.type not in LAYOUT_TYPES]
    # An id in the wrong section of the mapping finds nothing: an annotation must not fill a champ's
    # field.
    by_id = {(str(d.id), d.is_annotation): d for d in candidates}
    found = {
        name: by_id.get((target.id or "", is_annotation)) for name, target, is_annotation in fields
    }
    taken = {descriptor.id for descriptor in found.values() if descriptor}
    for name, target, is_annotation in fields:
        if found[name] is None:
            free = [d for d in candidates if d.is_annotation == is_annotation and d.id not in taken]
            labels = {folded(d.libelle): d for d in reversed(free)}
            named = (labels.get(folded(libelle)) for libelle in target.libelles)
            if descriptor := next(filter(None, named), None):
                found[name] = descriptor
                taken.add(descriptor.id)
    return [FieldMatch(name, target, found[name]) for name, target, _ in fields]


@dataclass(frozen=True)
class MappedForm:
    """Where one revision of the form has each field (protocol `dsync.programme.Form`)."""

    champs: _FieldIds
    annotations: _FieldIds
    in_rows: Mapping[str, DescriptorId | None]
    """Descriptor ids of the columns of `voeux` and `evaluations`, by `<repetition>.<column>`."""
    criteres: tuple[tuple[str, str, DescriptorId], ...]
    """The criteria of the evaluation grid in this revision: name, label, descriptor id."""
    extras: Mapping[str, str]
    """The types of the champs that no field declares, by their names in `extra`."""
    unchecked: frozenset[str]
    """The champs that no check reads."""
    checkboxes: DescriptorIds
    """Descriptor ids of the checkboxes."""
    has_validation: bool
    """Whether the revision has the box by which an instructeur validates the result."""

    @classmethod
    def of(
        cls,
        config: MappingConfig,
        descriptors: Mapping[DescriptorId, Descriptor],
        checked: Collection[str] = (),
    ) -> MappedForm:
        """Find the fields among a revision's descriptors, by id.

        `checked` are fields that declared checks use.
        """
        matches = match_fields(config, descriptors)
        ids = {match.field: match.descriptor.id if match.descriptor else None for match in matches}
        criteres = [
            (match.field.rpartition(".")[2], match.descriptor.libelle, match.descriptor.id)
            for match in matches
            if ".criteres." in match.field and match.descriptor
        ]
        return cls(
            champs=tuple((name, ids.get(name)) for name in (*CHAMP_FIELDS, *config.extras)),
            annotations=tuple((name, ids.get(name)) for name in ANNOTATION_FIELDS),
            in_rows={name: id_ for name, id_ in ids.items() if "." in name},
            criteres=tuple(criteres),
            extras={
                match.field: match.target.type or match.descriptor.type
                for match in matches
                if match.field in config.extras and match.descriptor
            },
            unchecked=OPTIONAL.union(config.extras).difference(checked),
            checkboxes=frozenset(id_ for id_, d in descriptors.items() if d.type == "checkbox"),
            has_validation=_is_box(descriptors.get(ids.get(VALIDATED) or DescriptorId(""))),
        )

    @cached_property
    def _inputs(self) -> bytes:
        voeux = {name: id_ for name, id_ in self.in_rows.items() if name.startswith(VOEUX)}
        return json_bytes([self.champs, voeux])

    @cached_property
    def inputs_signature(self) -> bytes:
        """Digest of the places of the fields that the pre-check uses.

        A change of annotations alone stores the rows again, but does not have the dossiers judged
        again.
        """
        return sha256(self._inputs).digest()

    @cached_property
    def signature(self) -> bytes:
        """Digest of the places of all fields, and of the rules of the stages and the grids."""
        places = (self.annotations, self.in_rows, self.criteres, self.extras)
        others = json_bytes([*places, STAGES_REVISION, GRIDS_REVISION])
        return sha256(self._inputs + others).digest()

    @property
    def questions(self) -> frozenset[DescriptorId]:
        """The ids of the champs of the fields that checks read, those in rows included."""
        columns = {i for name, i in self.in_rows.items() if name.startswith(f"{VOEUX}.")}
        read = {id_ for name, id_ in self.champs if name not in self.unchecked}
        return frozenset(filter(None, read | columns))

    @property
    def columns(self) -> list[tuple[str, str, DescriptorId]]:
        """Each column of a view that is filled from descriptors, with each of them."""
        ids = dict([*self.champs, *self.annotations])
        found = [(MAIN_VIEW, name, ids.get(one.target or name)) for name, one in declared_fields()]
        found += [(MAIN_VIEW, EXTRA, ids[name]) for name in self.extras]
        for name, id_ in self.in_rows.items():
            block, column, *critere = name.split(".")
            if critere:
                found.append(("lecture_evaluation_note", "note", id_))
            else:
                found.append((_VIEWS[block], "rang" if column == "ordre" else column, id_))
        return [(view, column, id_) for view, column, id_ in found if id_ is not None]

    def rows(
        self, dossier: Dossier, corrections: Sequence[Correction] = ()
    ) -> dict[str, dict[str, Any]]:
        """Return the dossier's row of the table `candidature`."""
        row = _read(dossier, self)
        if row[VALIDATED] is None and not self.has_validation:
            # Of a box that is gone, what is known stays: a missing column keeps its value.
            del row[VALIDATED]
        days = {etape: row[field] for etape, field in DATED.items()}
        row["etapes"] = passages_of(dossier, days, corrections)
        return {Candidature.__tablename__: row}


def _is_box(descriptor: Descriptor | None) -> bool:
    return descriptor is not None and descriptor.type in ACCEPTED_TYPES["validation"]


def weighed(grids: Iterable[Grille]) -> tuple[tuple[Grille, ...], Bilan | None]:
    """Return all grids of a dossier, in order, with what becomes of each, and what they give.

    The programme evaluates again at the soutenance: its grids count alone where there are some. Of
    one person's grids of one moment, the last row counts; a missing mark leaves the dossier without
    a mean.
    """
    rows = [(grid, _person(grid)) for grid in grids]
    if not rows:
        return (), None
    of_soutenance = any(is_soutenance for _, (is_soutenance, _) in rows)
    last = {person: grid.ligne for grid, person in rows}
    made = []
    for grid, person in rows:
        replaced_by = last[person] if last[person] != grid.ligne else None
        made.append(
            replace(
                grid,
                soutenance=person[0],
                complete=bool(grid.notes) and None not in grid.notes,
                remplacee_par=replaced_by,
                compte=replaced_by is None and person[0] == of_soutenance,
            )
        )
    return tuple(made), _bilan(made, of_soutenance=of_soutenance)


def _person(grid: Grille) -> tuple[bool, str | int]:
    """Return who evaluates at which moment; a grid without a name is somebody else's each time."""
    moment = fold(grid.moment or "")
    is_soutenance = "soutenance" in moment and not moment.startswith("avant")
    return is_soutenance, fold(grid.evaluateur or "") or grid.ligne


def _bilan(grids: list[Grille], *, of_soutenance: bool) -> Bilan:
    counting = [grid for grid in grids if grid.compte]
    given = [note for grid in counting for note in grid.notes if note is not None]
    incomplete = sum(not grid.complete for grid in counting)
    means = [] if incomplete else [mean(exact(grid.notes)) for grid in counting]
    return Bilan(
        moment="soutenance" if of_soutenance else "dossier",
        grilles=len(grids),
        evaluateurs=len(counting),
        incompletes=incomplete,
        moyenne=rounded(mean(means)) if means else None,
        note_min=min(given, default=None),
        note_max=max(given, default=None),
        ecart=rounded(max(means) - min(means)) if len(means) > 1 else None,
    )
