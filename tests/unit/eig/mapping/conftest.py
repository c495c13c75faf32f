"""Fixtures: the shipped mapping, a form that fits it, and builders of GraphQL nodes."""

from __future__ import annotations

import base64
import json
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec import structs

from dsync.annotations.targets import AnnotationsConfig
from dsync.domain.dossier import Descriptor, Dossier, Revision
from dsync.domain.ids import DemarcheNumber, DescriptorId, RevisionId
from dsync.ds.dossier_reading import read_dossier
from dsync.eig.eig import Eig
from dsync.eig.sections import EigSections, MappingConfig
from dsync.sync.record import Recorder, champs_of_form
from tests.unit.ds.nodes import node_of

CONFIG = Path(__file__).parents[4] / "config" / "aap-eig7.toml"
_SECTIONS = tomllib.loads(CONFIG.read_text(encoding="utf-8"))
MAPPING = MappingConfig.model_validate(_SECTIONS["mapping"])
"""The shipped mapping."""
ANNOTATIONS = AnnotationsConfig.model_validate(_SECTIONS["annotations"])
Node = dict[str, Any]


class Form:
    """A form that tests can change before they map dossiers of it."""

    def __init__(self, config: MappingConfig = MAPPING) -> None:
        self.config = config
        self.descriptors: dict[DescriptorId, Descriptor] = {}
        for name, target, is_annotation in config.top_level():
            self.add(str(target.id), target.libelles[0], str(target.type), is_annotation)
            for _, column in config.columns(name) if target.type == "repetition" else ():
                self.add(
                    str(column.id),
                    column.libelles[0],
                    str(column.type),
                    is_annotation,
                    parent=str(target.id),
                )
        for stable_id, libelle, type_ in (
            (5102, "Résultat du pré-contrôle", "drop_down_list"),
            (5103, "Détail du pré-contrôle", "textarea"),
            (5104, "Pré-contrôle établi le", "datetime"),
        ):
            self.add(champ_id(stable_id), libelle, type_, True)

    @staticmethod
    def id(stable_id: int) -> str:
        """Return DS's opaque id of a descriptor."""
        return champ_id(stable_id)

    def add(
        self,
        id_: str,
        libelle: str,
        type_: str = "text",
        is_annotation: bool = False,
        parent: str | None = None,
    ) -> str:
        """Add a descriptor at the form's end, or replace the one with this id."""
        within = DescriptorId(parent) if parent else None
        self.descriptors[DescriptorId(id_)] = Descriptor(
            DescriptorId(id_), libelle, type_, parent_id=within, is_annotation=is_annotation
        )
        return id_

    def replace(self, stable_id: int, **changes: Any) -> str:
        """Change a descriptor; a new id keeps its place."""
        id_ = DescriptorId(champ_id(stable_id))
        changed = self.descriptors[id_]._replace(**changes)
        self.descriptors = {
            (changed.id if key == id_ else key): (changed if key == id_ else descriptor)
            for key, descriptor in self.descriptors.items()
        }
        return changed.id

    def remove(self, stable_id: int) -> None:
        """Remove a descriptor."""
        del self.descriptors[DescriptorId(champ_id(stable_id))]

    @property
    def revision(self) -> Revision:
        """The form in its present state."""
        return Revision(RevisionId("rev"), None, dict(self.descriptors))

    def champ(self, stable_id: int | str, typename: str = "TextChamp", **values: Any) -> Node:
        """Build a champ's node; `text` gives both the value and the string value."""
        id_ = champ_id(stable_id) if isinstance(stable_id, int) else stable_id
        descriptor = self.descriptors.get(DescriptorId(id_))
        label = descriptor.libelle if descriptor else f"Champ {stable_id}"
        node = {"__typename": typename, "id": id_, "champDescriptorId": id_}
        node |= {"label": label, "stringValue": ""}
        if "text" in values:
            values["textValue"] = values["stringValue"] = values.pop("text")
        return node | values

    def rows(self, stable_id: int, *rows: list[Node]) -> Node:
        """Build a repetition's node."""
        return self.champ(
            stable_id,
            "RepetitionChamp",
            rows=[{"id": f"Row-{n}", "champs": champs} for n, champs in enumerate(rows)],
        )

    def map(self, *parts: list[Node] | None, **over: Any) -> Mapped:
        """Map a dossier of the form in its present state, as `make_node` makes it."""
        node = make_node(*parts, **over)
        return Mapper(self.config).map(dossier_of(node), DemarcheNumber(86321), self.revision)


def champ_id(stable_id: int) -> str:
    """Return DS's opaque id of a descriptor."""
    return base64.b64encode(f"Champ-{stable_id}".encode()).decode()


def dossier_of(node: Node) -> Dossier:
    """Read a node that fits the API."""
    found = read_dossier(json.dumps(node).encode())
    assert isinstance(found, Dossier), found
    return found


def make_node(
    champs: list[Node] | None = None, annotations: list[Node] | None = None, **over: Any
) -> Node:
    """Return a whole dossier."""
    return node_of(champs=champs or [], annotations=annotations or [], **over)


class Mapped(SimpleNamespace):
    """The stored form of a dossier: without layout, with candidature, JSON and hashes."""


class Mapper:
    """The recorder of a mapping, with the annotations of the shipped configuration."""

    def __init__(self, config: MappingConfig = MAPPING) -> None:
        sections = EigSections.model_construct(mapping=config)
        programme = Eig(sections, None, None, catalogue_percent=0)  # type: ignore[arg-type]
        self._recorder = Recorder(programme, ANNOTATIONS)

    def map(self, dossier: Dossier, demarche: DemarcheNumber, revision: Revision | None) -> Mapped:
        """Return the stored form of a dossier."""
        record = self._recorder.record(dossier, demarche, revision)
        descriptors = revision.descriptors if revision else {}
        return Mapped(
            dossier=structs.replace(
                dossier,
                champs=champs_of_form(dossier.champs, descriptors),
                annotations=champs_of_form(dossier.annotations, descriptors),
            ),
            candidature=SimpleNamespace(**record.programme["candidature"]),
            champs_json=record.contents["champs"],
            annotations_json=record.contents["annotations"],
            content_hash=record.content_hash,
            inputs_hash=record.inputs_hash,
            annotations_hash=record.annotations_hash,
            owned_ids=record.owned_ids,
            owned=record.owned,
        )


@pytest.fixture
def form() -> Form:
    """A form that fits the shipped mapping."""
    return Form()
