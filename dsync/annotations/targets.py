"""The section `[annotations]`, its annotations in a form, their values, and what a verdict wants.

Values are normalised as DS normalises them, so that both can be compared. Seen in recorded
conversations: DS removes control characters, changes line ends, shows instants to the minute and
returns `""` for an emptied text.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Container, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import Enum
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from dsync.annotations.wish import Annotation
from dsync.domain.dossier import PARIS, Descriptor, Json, Revision, in_utc
from dsync.domain.toml import Marked, Section, champ_of
from dsync.domain.verdict import Verdict
from dsync.domain.wording import folded

RESULTAT, DETAIL, DATE, LABEL = (one.value for one in Annotation)
VALIDATION = "validation"
VALUE_NAMES = (RESULTAT, DETAIL, DATE)
ANNOTATION_NAMES = (*VALUE_NAMES, LABEL)
"""In the order in which they are planned: a conflict of the first one blocks the others."""

ACCEPTED_TYPES = {
    RESULTAT: ("drop_down_list", "text", "textarea"),
    DETAIL: ("textarea", "text"),
    DATE: ("datetime", "date"),
    VALIDATION: ("checkbox", "yes_no"),
}
"""Descriptor types that each annotation may have; the first one is the usual one."""


class AnnotationTarget(Section):
    """An annotation: its descriptor's id in DS, and labels for a form without this id."""

    id: str
    """The descriptor's id in DS."""
    libelles: tuple[str, ...] = ()
    """Its labels, used where the id is unknown."""

    @model_validator(mode="before")
    @classmethod
    def _written(cls, given: object) -> object:
        return champ_of(given)


OWN_WORDS = {folded(one.value): one for one in Verdict}
"""dsync's words for verdicts, which its texts begin with."""


def _say_the_same(one: Verdict, other: Verdict) -> bool:
    # One démarche has one of both.
    return one is other or {one, other} == {Verdict.ELIGIBLE, Verdict.RIEN_A_SIGNALER}


class VerdictTexts(Section):
    """One text for each verdict; nothing is written for « Indéterminé »."""

    eligible: Annotated[str, Marked] = Field(min_length=1)
    """For « Éligible »."""
    a_verifier: Annotated[str, Marked] = Field(min_length=1)
    """For « À vérifier »."""
    ineligible: Annotated[str, Marked] = Field(min_length=1)
    """For « Inéligible »."""
    rien_a_signaler: Annotated[str, Marked] | None = Field(default=None, min_length=1)
    """For « Rien à signaler »; if missing, the text for « Éligible »."""

    @model_validator(mode="after")
    def _tells_the_truth(self) -> Self:
        for one in Verdict:
            text = getattr(self, one.key, None)
            other = OWN_WORDS.get(folded(text or ""))
            if other is not None and not _say_the_same(one, other):
                raise ValueError(f"{one.key}: {text!r} is dsync's word for another verdict")
        return self

    def of(self, verdict: Verdict) -> str:
        """Return the text of a verdict other than Indéterminé."""
        return str(getattr(self, verdict.key) or self.eligible)

    def contradicts(self, text: str, verdict: Verdict) -> bool:
        """Return whether a text says another verdict than that of the detail beside it."""
        said = OWN_WORDS.get(folded(text))
        is_other = said is not None and not _say_the_same(said, verdict)
        return verdict is Verdict.INDETERMINE or is_other or text != self.of(verdict)

    def all(self) -> tuple[str, ...]:
        """Return the texts."""
        texts = self.eligible, self.a_verifier, self.ineligible
        return texts if self.rien_a_signaler is None else (*texts, self.rien_a_signaler)

    @property
    def words(self) -> dict[Verdict, str]:
        """The verdicts that have a text of their own, which texts and pages use instead."""
        texts = self.all()
        found = {one: getattr(self, one.key, None) for one in Verdict}
        # What DS then shows: dsync never gives both verdicts to the dossiers of one démarche.
        found[Verdict.RIEN_A_SIGNALER] = self.rien_a_signaler or self.eligible
        # Neither a word for two verdicts, nor dsync's word for another one.
        own = {k: v for k, v in found.items() if v and texts.count(v) == 1}
        return {k: v for k, v in own.items() if v not in {one.value for one in Verdict}}


class AnnotationsConfig(Section):
    """The section `[annotations]`."""

    resultat: AnnotationTarget
    """The annotation of the result."""
    options: VerdictTexts
    """The option of its drop-down list for each verdict."""
    detail: AnnotationTarget
    """The annotation of the text with the reasons."""
    date: AnnotationTarget
    """The annotation of the date of the pre-check."""
    validation: AnnotationTarget | None = None
    """The box by which an instructeur validates the result; if missing, there is none."""
    labels: VerdictTexts | None = None
    """Names of the démarche's labels; if missing, dsync writes none, and takes those away that it
    wrote: it asks first. `{}` leaves these."""

    @field_validator("options", mode="before")
    @classmethod
    def _stripped(cls, given: object) -> object:
        # As DS strips its options: no message would show the blank.
        if not isinstance(given, dict):
            return given
        return {key: one.strip() if isinstance(one, str) else one for key, one in given.items()}

    @field_validator("labels", mode="before")
    @classmethod
    def _given(cls, given: object) -> object:
        return given or None

    @model_validator(mode="after")
    def _writes_each_once(self) -> Self:
        keys: dict[str, list[str]] = {}
        for key in ACCEPTED_TYPES:
            if (target := getattr(self, key)) is not None:
                keys.setdefault(target.id, []).append(key)
        problems = [f"id {id_!r} is given to {', '.join(k)}" for id_, k in keys.items() if k[1:]]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @property
    def owned_labels(self) -> frozenset[str]:
        """Names of the labels that dsync adds and removes."""
        return frozenset(self.labels.all()) if self.labels else frozenset()

    @property
    def leaves_labels(self) -> bool:
        """Whether labels that dsync wrote stay, though it writes none any more."""
        return self.labels is None and "labels" in self.model_fields_set


@dataclass(frozen=True, slots=True)
class ResolvedAnnotations:
    """The descriptors of the annotations in one revision; None for one that it does not have."""

    resultat: Descriptor | None
    detail: Descriptor | None
    date: Descriptor | None
    validation: Descriptor | None

    def ids(self) -> tuple[str, ...]:
        """Return the ids of all annotations to read, that of the validation box included."""
        found = (self.resultat, self.detail, self.date, self.validation)
        return tuple(descriptor.id for descriptor in found if descriptor)

    def owned_ids(self) -> frozenset[str]:
        """Return the ids of the annotations that dsync writes."""
        found = (self.resultat, self.detail, self.date)
        return frozenset(str(descriptor.id) for descriptor in found if descriptor)

    def by_name(self, name: str) -> Descriptor | None:
        """Return the descriptor of `resultat`, `detail` or `date`."""
        found: Descriptor | None = getattr(self, name)
        return found


def offers(descriptor: Descriptor, value: str) -> bool:
    """Return whether an annotation takes a value: DS refuses what a drop-down list does not have.

    A list whose options DS did not return may have it.
    """
    if descriptor.type != "drop_down_list" or descriptor.other_option:
        return True
    return descriptor.options is None or value in descriptor.options


def misnamed(
    config: AnnotationsConfig, resolved: ResolvedAnnotations
) -> dict[str, tuple[Descriptor, tuple[str, ...]]]:
    """Return the annotations that are found by id, and have none of the configured labels.

    An id is easily that of another one. With each: the labels.
    """
    found = {}
    for name in ACCEPTED_TYPES:
        target, descriptor = getattr(config, name), getattr(resolved, name)
        if target is None or descriptor is None or not target.libelles:
            continue
        if folded(descriptor.libelle) not in map(folded, target.libelles):
            found[name] = (descriptor, target.libelles)
    return found


def lacking_options(config: AnnotationsConfig, resultat: Descriptor) -> list[str]:
    """Return the results that the annotation's list does not offer."""
    return [text for text in config.options.all() if not offers(resultat, text)]


def desired(
    verdict: Verdict,
    detail: str,
    established_at: datetime,
    config: AnnotationsConfig | None,
    wished: Container[str] = (),
) -> dict[str, str]:
    """Return the wanted value of each annotation, as the text that the outbox stores.

    Nothing is wanted for « Indéterminé »: the values in DS stay. The date is an ISO instant in UTC
    without seconds, because DS does not show them. `wished` are the annotations of which something
    is wanted by now: a label that is no longer written goes.
    """
    if config is None or verdict is Verdict.INDETERMINE:
        return {}
    wanted = {
        RESULTAT: config.options.of(verdict),
        # As DS will show it: what is stored is compared with that.
        DETAIL: normalise("textarea", detail) or "",
        DATE: established_at.astimezone(UTC).replace(second=0, microsecond=0).isoformat(),
    }
    if config.labels:
        wanted[LABEL] = config.labels.of(verdict)
    elif LABEL in wished and not config.leaves_labels:
        wanted[LABEL] = ""
    return wanted


def resolve(
    config: AnnotationsConfig | None, descriptors: Iterable[Descriptor]
) -> ResolvedAnnotations:
    """Find each configured annotation in a revision: by id, or else by a configured label.

    Only this function decides which annotations are dsync's own: those that it writes, compares
    with an earlier write, and leaves out of the content's hash. An annotation of a type that cannot
    take dsync's value is not one of them.
    """
    if config is None:
        return ResolvedAnnotations(None, None, None, None)
    annotations = [d for d in descriptors if d.is_annotation and not d.parent_id]
    by_id = {str(d.id): d for d in annotations}
    targets = (config.resultat, config.detail, config.date, config.validation)
    named = {target.id for target in targets if target}
    by_label: dict[str, Descriptor] = {}
    for descriptor in annotations:
        # An annotation that is configured by id is not found by label for another purpose.
        if descriptor.id not in named:
            by_label.setdefault(folded(descriptor.libelle), descriptor)

    def find(target: AnnotationTarget | None, name: str) -> Descriptor | None:
        if target is None:
            return None
        found = by_id.get(target.id)
        for libelle in target.libelles:
            # Taken out: a second value in one annotation would replace the first.
            found = found or by_label.pop(folded(libelle), None)
        return found if found and found.type in ACCEPTED_TYPES[name] else None

    return ResolvedAnnotations(
        resultat=find(config.resultat, RESULTAT),
        detail=find(config.detail, DETAIL),
        date=find(config.date, DATE),
        validation=find(config.validation, VALIDATION),
    )


_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def normalise(type_: str, value: Json) -> str | None:
    """Return a value as the text to compare; None for an empty one."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        # A box that was never ticked and one that was cleared look the same in DS.
        return "true" if value else None
    text = str(value)
    if type_ == "datetime":
        return _instant(text)
    if type_ == "date":
        return _day(text)
    # A browser sends CRLF: a human who saves the text unchanged has edited nothing.
    text = _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return text if text.strip() else None


def input_value(type_: str, text: str) -> Json:
    """Return the value for the mutation's input from the outbox's text."""
    return _day(text) if type_ == "date" else text


def _instant(text: str) -> str:
    try:
        instant = in_utc(datetime.fromisoformat(text))
    except (OverflowError, ValueError):
        return text
    return instant.replace(second=0, microsecond=0).isoformat()


def _day(text: str) -> str:
    try:
        if len(text) == len("2024-01-01"):
            return date.fromisoformat(text).isoformat()
        return in_utc(datetime.fromisoformat(text)).astimezone(PARIS).date().isoformat()
    except (OverflowError, ValueError):
        return text


class Box(Enum):
    """What is known of the box by which an instructeur validates, in a revision of the form."""

    READ = "read"
    """The configured one is there."""
    NONE = "none"
    """There never was one: nobody can have validated a dossier of this revision."""
    LOST = "lost"
    """There is, or was, one, and the configuration does not find it. A protection that cannot be
    read protects: dossiers of the revision are not written into."""


def box_of(
    config: AnnotationsConfig | None,
    known: Collection[str],
    revision: Revision,
    revisions: Iterable[Revision],
) -> Box:
    """Return what is known of the validation box of the dossiers of a revision.

    `known` are the ids of the descriptors that were found as the box so far; `revisions` are all
    published ones of the form.
    """
    found = _found(config, revision)
    had = {str(id_) for id_ in revision.descriptors} & {*known}
    if found is not None:
        # Another box in the place of the known one, which is still there: perhaps a wrong id.
        return Box.LOST if had and found not in known else Box.READ
    is_configured = config is not None and config.validation is not None
    if had or not (known or is_configured):
        return Box.LOST if had else Box.NONE
    days = [one.date_publication for one in revisions if _has_box(config, known, one)]
    first = min((day for day in days if day is not None), default=None)
    # DS moves dossiers to later revisions only: one of a revision before the first box never had
    # it, and one of a later revision may have been validated in an earlier one.
    own = revision.date_publication
    return Box.NONE if first is not None and own is not None and own < first else Box.LOST


def found_boxes(config: AnnotationsConfig | None, revisions: Iterable[Revision]) -> set[str]:
    """Return the ids of the descriptors that the configuration finds as the box in revisions."""
    return {found for one in revisions if (found := _found(config, one)) is not None}


def _found(config: AnnotationsConfig | None, revision: Revision) -> str | None:
    box = resolve(config, revision.descriptors.values()).validation
    return None if box is None else str(box.id)


def _has_box(config: AnnotationsConfig | None, known: Collection[str], revision: Revision) -> bool:
    return _found(config, revision) is not None or any(
        str(d.id) in known and d.type in ACCEPTED_TYPES[VALIDATION]
        for d in revision.descriptors.values()
    )
