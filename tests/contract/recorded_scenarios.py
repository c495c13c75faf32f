"""The order in which recorded conversations are replayed, and what happens between them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeAlias

import recorded_world

from dsync.sandbox.control import action
from dsync.sandbox.edits import Change
from dsync.sandbox.faults import ScriptedFault

Step: TypeAlias = str | Callable[[Any], None]

MOVING = frozenset({"updatedAt", "url"})
"""Entries of data that depend on the run; compared by type."""

ONLY_SHAPE = {
    "dossier-everything": "ids of traitements and of the usager, texts of automatic messages",
    "parse-error": "the parser's own words",
    "maintenance": "the sandbox's own words",
}
"""Compared by structure and null or not, with the reason; where rows are, by their count too."""

ERRORS_DIFFER = {
    "timeout": "the sandbox runs out of time between two nodes, the platform inside one",
}
"""Of the errors only the first one's code is compared."""


def _do(name: str, *arguments: Any, **named: Any) -> Callable[[Any], None]:
    """Return a step that calls a method of the control."""
    return lambda sandbox: action(sandbox.control, name)(*arguments, **named)


def _touch(*ranks: int) -> list[Step]:
    """Return steps that move the dates of dossiers, one second after the other."""
    return [
        step
        for rank in ranks
        for step in (_do("advance", 1), _do("save_without_submitting", 15000000 + rank))
    ]


def _close_demarche(sandbox: Any) -> None:
    sandbox.world.demarches[86321].state = "close"


def _discard_demarche(sandbox: Any) -> None:
    del sandbox.world.demarches[78001]


# fmt: off
SCENARIOS: dict[str, list[Step]] = {
    "authentication": [
        "auth-basic", "auth-expired", "auth-forbidden-network",
        "auth-garbage-token", "auth-garbage-token-utf8", "auth-no-token",
        "auth-ok-readonly", "auth-right-id-wrong-secret",
        "auth-two-spaces", "demarche-out-of-scope",
        "dossier-out-of-scope", "introspection-custom-query-no-token",
        "introspection-custom-query-token", "annotations-no-token",
    ],
    "bodies": [
        "extra-fields-in-body", "malformed-json",
        "post-trailing-slash",
        "missing-variable", "variable-big-int",
        "wrong-variable-type",
        "two-operations-no-name", "wrong-operation-name",
    ],
    "documents": [
        "parse-error", "unknown-argument", "unknown-field", "unknown-fragment-type",
        "fragment-in-unused-fragment",
        "aliases-one-invalid-literal",
        "inline-fragment-without-type-demandeur",
        "inline-fragment-without-type-demandeur-complete",
        "inline-fragment-without-type-no-champs", "include-false-fragment-still-counts",
    ],
    "pages": [
        "page-default", "page-first-3-after", "page-first-1000",
        "page-first-zero", "page-first-negative",
        "page-after-null", "page-after-garbage",
        "page-after-b64-garbage", "page-past-the-end",
        "page-updated-since-after",
        "page-updated-since-bad", "page-updated-since-date-only", "page-updated-since-future",
        "page-updated-since-micro", "page-updated-since-naive", "page-updated-since-null",
        "volume-first-1000-after", "volume-third", "volume-exact-end",
        _discard_demarche, "demarche-discarded",
    ],
    "dossiers": [
        "dossier-brouillon", "dossier-deleted", "dossier-expired-hidden", "dossier-hidden-admin",
        "dossier-hidden-usager", "dossier-hidden-usager-termine", "dossier-everything",
        "dossier-revision1", "descriptors-revisions", "labels-groupes", "demandeur-15000002",
        "demandeur-15000010", "demandeur-degraded-fragment-15000027",
        "physique", "champ-by-id", "champ-by-id-unknown", "file-pending",
        _do("replace_demandeur", 15000027, recorded_world.completed()), "etab-completed",
        _do("edit_champ", 15000026, 4302, "Grace Hopper"), "usager-resubmitted",
        _do("hide", 15000026), _do("replace_demandeur", 15000020, {}), "no-etablissement",
        "no-etablissement-single",
    ],
    "deletions": [
        "deleted-first", "deleted-since", "purge-job-before",
        _do("erase", 15000004), "purge-job-after",
    ],
    "hidden and restored": [
        *_touch(17, 21, 16, 8, 9, 12, 10, 30),
        _do("set_clock", datetime(2026, 11, 24, 14, 35, 21, tzinfo=UTC)),
        _do("hide", 15000026), "lists-after-hide-user",
        _do("restore", 15000026), "lists-after-restore",
        _do("hide", 15000026), _do("erase", 15000026), "deleted-since-inclusive",
    ],
    "a new revision moves no date": [
        *_touch(17, 16, 8, 9, 12, 10, 30, 21),
        _do("publish_revision", Change(rename={4106: "Politique publique (renommée)"})),
        "label-renamed-not-in-updatedsince",
    ],
    "failures": [
        _do("fail", ScriptedFault("timeout", reached=2)), "timeout",
        _do("fail", ScriptedFault("maintenance")), "maintenance",
        _do("advance", 60), _do("limit_rate", 4),
        "rate-limit-1", "rate-limit-2", "rate-limit-3", "rate-limit-4", "rate-limit-6",
        "rate-limit-7", "rate-limit-other-token",
        _do("limit_rate", 0), "rate-limit-bad-token-many",
        _do("limit_rate", 4), _do("advance", 60), "rate-limit-after-reset",
    ],
    "annotations refused": [
        "annotations-readonly", "annotations-readonly-hidden",
        "annotations-readonly-wrong-instructeur", "annotations-instructeur-garbage",
        "annotations-instructeur-not-in-groupe", "annotations-dossier-garbage-id",
        "annotations-dossier-number-as-id", "annotations-brouillon", "annotations-deleted",
        "annotations-hidden-expired", "annotations-hidden-usager", "annotations-out-of-scope",
        "annotations-date-bad", "annotations-date-empty", "annotations-integer-as-string",
        "annotations-integer-too-big", "annotations-value-empty-object", "annotations-value-null",
        "annotations-newer-key-civilite", "annotations-newer-key-departements",
        "annotations-newer-key-dossierLink", "annotations-newer-key-formatted",
        "annotations-newer-key-iban", "annotations-newer-key-pays", "annotations-newer-key-phone",
        "annotations-newer-key-pieceJustificative", "annotations-newer-key-regions",
        "annotations-garbage-id", "annotations-unknown-id", "annotations-public-champ-id",
        "annotations-unsupported-type-phone", "annotations-textarea-key-on-text",
        "annotations-annotation-of-older-revision",
        "annotations-bad-option", "annotations-bad-option-case",
        "annotations-bad-option-accept-fr", "annotations-all-invalid-dates-move",
        "annotations-email-bad", "annotations-decimal-nan",
    ],
    "annotations written": [
        "dossier-zoo-fragments", "dossier-zoo-no-fragment", "datetime-fragment-missing-date-fields",
        "yesno-null-as-yesno", "yesno-null-as-checkbox",
        _do("edit_annotation", 15800001, 7204, False), "yesno-unanswered-as-checkbox",
        "annotations-text-empty", "annotations-multi-empty", "annotations-drop-empty",
        "annotations-datetime-z", "annotations-datetime-naive", "annotations-text-emoji-html",
        "annotations-text-nul-char", "annotations-text-spaces", "annotations-same-value-again",
        "annotations-empty-list", "annotations-partially-valid", "annotations-100k",
        "annotations-accepte", "annotations-archived", "annotations-hidden-usager-termine",
        _do("edit_annotation", 15800001, 7206, datetime(2026, 12, 24, 10, 11, 12, tzinfo=UTC)),
        "datetime-read-seconds",
        _do("edit_annotation", 15800001, 7205, None), "datetime-on-date-read",
    ],
    "several dossiers in a document": [
        _do("edit_annotation", 15000009, 5103, "D1"), _do("edit_annotation", 15000012, 5103, "D2"),
        "alias-two-dossiers-read", _do("add_label", 15000012, "éligible"), "alias-labels-read",
    ],
    "labels": [
        "label-add", "label-add-twice", "label-remove", "label-remove-twice", "label-add-second",
        "label-add-other", "label-garbage", "label-hidden-dossier", "label-of-other-demarche",
        "label-out-of-scope",
    ],
    "a closed démarche and another groupe": [
        _do("change_groupe", 15780010, "troisième"), "groupe-change-then-write",
        "groupe-change-write-right", "groupeInstructeur-query",
        _close_demarche, "demarche-closed", "demarche-closed-write",
    ],
}
# fmt: on
