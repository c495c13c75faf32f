"""The mutations that write annotations, many at once or one by one."""

from __future__ import annotations

from typing import Any

from dsync.sandbox import ids
from dsync.sandbox.answers import InternalError, invalid_input
from dsync.sandbox.champ import Champ
from dsync.sandbox.context import Context
from dsync.sandbox.form_parts import Descriptor
from dsync.sandbox.model import Dossier, Row
from dsync.sandbox.mutations import values
from dsync.sandbox.mutations.access import (
    Payload,
    PayloadError,
    dossier_and_agent,
    errors,
    mutation,
)

_TYPE_OF_KEY = {
    "text": "text",
    "textarea": "textarea",
    "email": "email",
    "checkbox": "checkbox",
    "yesNo": "yes_no",
    "date": "date",
    "datetime": "datetime",
    "integerNumber": "integer_number",
    "decimalNumber": "decimal_number",
    "dropDownList": "drop_down_list",
    "multipleDropDownList": "multiple_drop_down_list",
    "repetition": "repetition",
}
_WRITABLE = frozenset(_TYPE_OF_KEY.values())
_SINGLE = {
    "Text": ("text", "textarea"),
    "Checkbox": ("checkbox", "yes_no"),
    "Date": ("date",),
    "Datetime": ("datetime", "date"),
    "IntegerNumber": ("integer_number",),
    "DecimalNumber": ("decimal_number",),
    "DropDownList": ("drop_down_list",),
}


@mutation("dossierModifierAnnotations")
def modify(context: Context, payload_type: str, given: dict[str, Any]) -> Payload:
    """Write what is valid, tell of the rest; not all-or-nothing."""
    dossier, _ = dossier_and_agent(context, payload_type, given)
    if dossier.number in context.world.unwritable:
        raise InternalError
    unknown: list[PayloadError] = []
    found: list[tuple[Champ, Any]] = []
    for asked in given["annotations"]:
        [(key, value)] = asked["value"].items()
        try:
            champ = _find(dossier, asked["id"], _TYPE_OF_KEY[key])
        except PayloadError as refusal:
            unknown.append(refusal)
            continue
        if key == "repetition":
            for _ in range(value):  # added at once, even if what follows breaks the server
                dossier.add_row(champ.descriptor, context.now())
        found.append((champ, value))
    invalid: list[PayloadError] = []
    kept = [champ for champ, value in found if _write(context, champ, value, invalid)]
    refusals = [*unknown, *invalid]
    return {
        "annotations": [_echo(context, champ) for champ in kept],
        "errors": errors(context, *refusals) or None,
    }


def _find(dossier: Dossier, ident: str, wanted: str) -> Champ:
    """Return the annotation with that id, if a value of that type may be written into it.

    Raises:
        FieldError: when the id is no identifier at all.
        PayloadError: when no annotation has that id, or it is of another type.
        InternalError: for ids that break the platform: a row's cell without its row, a row on an
            annotation that has none.
    """
    try:
        kind, key = ids.decode(ident)
    except ids.InvalidIdError as exc:
        raise invalid_input(ident) from exc
    stable_id, _, ulid = key.partition("|")
    found = _described(dossier, kind, stable_id)
    if found is None or found[0]["type"] not in _WRITABLE:
        raise PayloadError(f'L‘annotation "{ident}" n’existe pas')
    descriptor, repetition = found
    if descriptor["type"] != wanted:
        raise PayloadError(f'L‘annotation "{ident}" n’est pas de type attendu')
    if wanted != "repetition" and bool(ulid) != bool(repetition):
        raise InternalError
    row = _row(dossier, repetition, ulid) if repetition else None
    return _champ(dossier, descriptor, row)


def _described(
    dossier: Dossier, kind: str, stable_id: str
) -> tuple[Descriptor, Descriptor | None] | None:
    if kind != "Champ" or not stable_id.isdigit():
        return None
    try:
        return dossier.revision.descriptor("annotations", int(stable_id))
    except KeyError:
        return None


def _row(dossier: Dossier, repetition: Descriptor, ulid: str) -> Row:
    """Return a row; one that does not exist takes values that nobody will see."""
    rows = dossier.rows_of(repetition, "annotations")
    return next((row for row in rows if row.ulid == ulid), None) or Row(ulid, {})


def _champ(dossier: Dossier, descriptor: Descriptor, row: Row | None) -> Champ:
    cells = row.cells if row else dossier.seed.annotations
    return Champ(dossier, "annotations", descriptor, cells.get(descriptor["stable_id"]), row)


def _write(context: Context, champ: Champ, value: Any, invalid: list[PayloadError]) -> bool:
    """Store a value if it is valid; the same value again moves nothing."""
    if champ.type == "repetition":
        return True
    try:
        stored = values.stored(champ.descriptor, value)
    except PayloadError as refusal:
        invalid.append(refusal)
        return False
    store(champ, stored, context)
    return True


def store(champ: Champ, stored: Any, context: Context) -> None:
    """Put a value into an annotation; through the API, the annotations' own date stays."""
    dossier = champ.dossier
    cells = champ.row.cells if champ.row else dossier.seed.annotations
    stable_id = champ.descriptor["stable_id"]
    before = cells.get(stable_id)
    champ.value = stored
    if (dossier.number, stable_id) in context.world.unkept:
        return
    if before == stored and (before is None) == (stored is None):
        return
    cells[stable_id] = stored
    now = context.now()
    dossier.touched[champ.key] = now
    dossier.change(now)


def _echo(context: Context, champ: Champ) -> Champ:
    """Return the annotation as this request first answered it: the platform says it again."""
    first: Champ = context.written.setdefault((champ.dossier.number, champ.key), champ)
    return first


def _modify_one(suffix: str, types: tuple[str, ...]) -> None:
    @mutation(f"dossierModifierAnnotation{suffix}")
    def modify_one(context: Context, payload_type: str, given: dict[str, Any]) -> Payload:
        dossier, _ = dossier_and_agent(context, payload_type, given)
        champ = _find_one(dossier, given["annotationId"], types)
        if suffix == "Datetime" and champ.type == "date":
            store(champ, None, context)  # the platform wipes a date written with a time
        else:
            store(champ, values.stored(champ.descriptor, given["value"]), context)
        return {"annotation": _echo(context, champ), "errors": None}


def _find_one(dossier: Dossier, ident: str, types: tuple[str, ...]) -> Champ:
    try:
        kind, key = ids.decode(ident)
    except ids.InvalidIdError as exc:
        raise invalid_input(ident) from exc
    stable_id, _, ulid = key.partition("|")
    found = _described(dossier, kind, stable_id)
    if found is None or found[0]["type"] not in types:
        raise PayloadError(f'L’annotation "{ident}" n’existe pas')
    descriptor, repetition = found
    return _champ(dossier, descriptor, _row(dossier, repetition, ulid) if repetition else None)


for _suffix, _types in _SINGLE.items():
    _modify_one(_suffix, _types)


@mutation("dossierModifierAnnotationAjouterLigne")
def add_row(context: Context, payload_type: str, given: dict[str, Any]) -> Payload:
    """Add one row to a repetition."""
    dossier, _ = dossier_and_agent(context, payload_type, given)
    champ = _find_one(dossier, given["annotationId"], ("repetition",))
    dossier.add_row(champ.descriptor, context.now())
    return {"annotation": champ, "errors": None}
