"""Never over a human's hand: each case of what DS has, what dsync wrote, and who wrote since.

A line is a case. `wanted`, `in DS`, `pushed` and `lost` are values: E, V, I stand for Éligible,
À vérifier, Inéligible; `human` is a text of somebody's own; `-` is empty; `.` is unknown. `pushed`
is the last value that DS confirmed, `lost` one that was sent without an answer. `seen=V`: dsync saw
before that a human's V stood there, and has not written over it. `edited since`: a human edited the
dossier's annotations after dsync had last looked before it sent; `changed`: this one, too.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from dsync.annotations.plan import Action, Remote, Step, plan
from dsync.annotations.wish import Wish, WishStatus, WrittenValue
from dsync.domain.dossier import Etat
from dsync.domain.ids import DossierId
from tests.unit.annotations import form
from tests.unit.annotations.form import AVAILABLE, CONFIG, EDITED_AT, IDS, NUMBER, resolved

OPTIONS, LABELS = form.OPTIONS.all(), form.LABELS.all()

VALUES = """
annotation | wanted | in DS | pushed | lost  | besides               | action
# Nobody has written here.
resultat   | E      | -     | .      | .     |                       | write
detail     | E      | -     | .      | .     |                       | write
date       | E      | -     | .      | .     |                       | write
resultat   | E      | -     | .      | V     |                       | write
detail     | E      | -     | .      | V     |                       | write
# DS has what is wanted: dsync's if it wrote it, else a human's who wrote the same.
resultat   | E      | E     | E      | .     |                       | confirm
resultat   | E      | E     | V      | E     |                       | confirm
resultat   | E      | E     | .      | E     | edited since, changed | confirm
resultat   | E      | E     | .      | .     |                       | equal
detail     | E      | E     | .      | .     |                       | equal
date       | E      | E     | .      | .     |                       | equal
resultat   | E      | E     | V      | .     |                       | equal
resultat   | E      | E     | .      | V     |                       | equal
resultat   | E      | E     | -      | .     |                       | equal
resultat   | E      | E     | .      | .     | force                 | equal
resultat   | E      | E     | E      | .     | other revision        | equal
detail     | human  | human | V      | .     |                       | equal
# A human's value that was seen stays theirs, whatever they make of it: dsync's former one, empty.
resultat   | E      | E     | E      | .     | seen=V                | equal
resultat   | E      | E     | .      | .     | seen=E                | equal
resultat   | V      | E     | .      | .     | seen=E                | conflict
resultat   | V      | E     | E      | .     | seen=V                | conflict
resultat   | E      | -     | .      | .     | seen=V                | conflict
resultat   | E      | -     | -      | .     | seen=V                | conflict
detail     | E      | -     | .      | .     | seen=E                | conflict
resultat   | E      | V     | .      | .     | seen=V force          | write
# … until dsync writes over it by an order: here without an answer.
resultat   | E      | E     | V      | E     | seen=I                | confirm
resultat   | V      | E     | .      | E     | seen=I                | write
resultat   | V      | I     | I      | E     | seen=I                | conflict
# A value that dsync does not know is a human's.
resultat   | E      | V     | .      | .     |                       | conflict
resultat   | E      | human | .      | .     |                       | conflict
detail     | E      | human | .      | .     |                       | conflict
date       | E      | V     | .      | .     |                       | conflict
resultat   | E      | human | .      | V     |                       | conflict
# dsync wrote it, and nobody has touched it.
resultat   | E      | V     | V      | .     |                       | write
detail     | E      | V     | V      | .     |                       | write
date       | E      | V     | V      | .     |                       | write
# dsync wrote something else: a human has replaced it.
resultat   | E      | I     | V      | .     |                       | conflict
detail     | E      | human | V      | .     |                       | conflict
date       | E      | I     | V      | .     |                       | conflict
# What stands there is what dsync once wrote, but not last: somebody put it back.
resultat   | V      | E     | I      | .     |                       | conflict
# A human has emptied what dsync wrote: empty is a value, too.
resultat   | E      | -     | E      | .     |                       | conflict
resultat   | E      | -     | V      | .     |                       | conflict
detail     | E      | -     | E      | .     |                       | conflict
date       | E      | -     | E      | .     |                       | conflict
date       | E      | -     | E      | .     | edited since          | conflict
# DS said that it saved a date, and did not: no human wrote since.
date       | E      | -     | E      | .     | not edited since      | refuse_not_saved
detail     | E      | -     | E      | .     | not edited since      | conflict
date       | E      | I     | V      | .     | not edited since      | conflict
date       | E      | -     | .      | .     | not edited since      | write
# dsync wrote that it is empty (a human's hand that an operator adopted), and it still is.
resultat   | E      | -     | -      | .     |                       | write
resultat   | E      | V     | -      | .     |                       | conflict
# An answer was lost: either value is dsync's, a third one is not.
resultat   | E      | V     | V      | I     |                       | write
resultat   | E      | I     | V      | I     |                       | write
resultat   | E      | human | V      | I     |                       | conflict
resultat   | E      | -     | V      | I     |                       | conflict
resultat   | E      | V     | .      | V     |                       | write
detail     | E      | I     | V      | I     |                       | write
# Empty after it: DS has not saved it, or a human emptied it, by the value's own date.
detail     | E      | -     | .      | E     | edited since, changed | conflict
resultat   | E      | -     | .      | V     | edited since, changed | conflict
date       | E      | -     | .      | E     | edited since, changed | conflict
resultat   | E      | -     | -      | V     | edited since, changed | conflict
detail     | E      | -     | .      | E     | edited since          | write
detail     | E      | -     | .      | E     | not edited since      | write
detail     | E      | -     | .      | .     | edited since, changed | write
# An instructeur has validated the pre-check: nothing is written, right or wrong.
resultat   | E      | -     | .      | .     | validated             | suspend
resultat   | E      | V     | V      | .     | validated             | suspend
resultat   | E      | E     | E      | .     | validated             | suspend
detail     | E      | human | V      | .     | validated             | suspend
date       | E      | -     | V      | I     | validated             | suspend
# An operator has ordered it.
resultat   | E      | human | .      | .     | force                 | write
resultat   | E      | human | V      | .     | force                 | write
resultat   | E      | -     | V      | .     | force                 | write
resultat   | E      | V     | V      | .     | force validated       | write
# … but over what they saw, and nothing else.
resultat   | E      | I     | V      | .     | force over=I          | write
resultat   | E      | human | V      | .     | force over=I          | conflict
resultat   | E      | -     | V      | .     | force over=I          | conflict
resultat   | E      | -     | V      | .     | force over=           | write
resultat   | E      | I     | V      | .     | force over=I validated| suspend
# The annotation was made again in another revision: what dsync wrote is not in this one.
resultat   | E      | -     | V      | .     | other revision        | write
resultat   | E      | V     | V      | .     | other revision        | conflict
resultat   | E      | human | V      | .     | other revision        | conflict
detail     | E      | -     | V      | I     | other revision        | write
# The dossier's revision has no such annotation, or it is gone since dsync wrote it.
resultat   | E      | -     | V      | .     | no annotation         | refuse
detail     | E      | -     | .      | .     | no annotation         | refuse
resultat   | E      | .     | V      | .     |                       | refuse
resultat   | E      | .     | .      | .     |                       | write
# The list has no such option: refused, but a human's value comes first.
resultat   | human  | -     | .      | .     |                       | refuse
resultat   | human  | V     | V      | .     |                       | refuse
resultat   | human  | V     | .      | .     |                       | conflict
"""

LABELLED = """
wanted | on it   | pushed | lost  | besides               | action
E      | -       | .      | .     |                       | write +E
E      | E       | E      | .     |                       | confirm
E      | E       | V      | E     |                       | confirm
E      | E       | .      | .     |                       | equal
E      | E       | V      | .     |                       | equal
E      | E       | I      | V     |                       | equal
E      | E       | gone   | .     |                       | equal
E      | E       | .      | .     | force                 | equal
E      | E       | E      | .     | seen=V                | equal
V      | E       | .      | .     | seen=E                | conflict
V      | E       | E      | .     | seen=V                | conflict
E      | -       | .      | .     | seen=E                | conflict
V      | E       | .      | E     | seen=I                | write +V -E
E      | other   | .      | .     |                       | write +E
E      | E other | E      | .     |                       | confirm
E      | V       | .      | .     |                       | conflict
E      | V       | V      | .     |                       | write +E -V
E      | V other | V      | .     |                       | write +E -V
E      | V       | I      | .     |                       | conflict
E      | V I     | V      | .     |                       | conflict
E      | E V     | V      | .     |                       | conflict
E      | -       | E      | .     |                       | conflict
E      | -       | V      | .     |                       | conflict
E      | -       | V      | E     |                       | write +E
E      | V       | V      | E     |                       | write +E -V
V      | E I     | E      | I     |                       | write +V -E -I
V      | I       | E      | I     |                       | write +V -I
V      | E I     | E      | .     |                       | conflict
E      | V       | V      | .     | validated             | suspend
E      | V       | .      | .     | force                 | write +E -V
E      | V       | I      | .     | force over=V          | write +E -V
E      | I       | V      | .     | force over=V          | conflict
E      | I       | V      | E     |                       | conflict
Z      | V       | V      | .     |                       | refuse
# Put under a former configuration (`former`), or deleted from the démarche since (`gone`): nobody
# removes a deleted one from a dossier.
E      | former  | former | .     |                       | write +E -former
E      | former  | .      | .     |                       | write +E
E      | -       | former | .     |                       | conflict
E      | -       | gone   | .     |                       | write +E
E      | V       | gone   | .     |                       | conflict
"""

EXPLAINED = """
the result in DS | pushed | besides | the detail in DS | pushed | besides    | what is done
# The result is a human's: what explains dsync's waits, and is itself kept from a human's hand.
# Where dsync's own stands, a sentence takes its place.
human | V |                    | V     | V |                  | conflict, write
human | V |                    | E     | E |                  | conflict, write
human | V |                    | beside | beside |            | conflict, blocked_by_conflict
human | V |                    | beside | V |                 | conflict, conflict
E     | E |                    | beside | beside |            | confirm, write
# A value that changed without a hand is nobody's opinion; a sentence without one is dsync's.
human | V | no hand            | V     | V |                  | conflict, blocked_by_conflict
E     | E | no hand            | beside | V |                 | confirm, write
human | V |                    | -     | . |                  | conflict, blocked_by_conflict
human | V |                    | human | V |                  | conflict, conflict
human | V |                    | human | . |                  | conflict, blocked_by_conflict
human | V |                    | -     | V |                  | conflict, conflict
human | . |                    | -     | . |                  | conflict, blocked_by_conflict
human | V |                    | E     | V |                  | conflict, equal
human | V |                    | V     | V | seen=human       | conflict, conflict
human | V |                    | -     | . | seen=human       | conflict, conflict
# An order on the detail alone goes over the result's conflict, unless it names what was seen.
human | V |                    | human | V | force            | conflict, write
human | V |                    | human | V | force over=human | conflict, blocked_by_conflict
human | V |                    | V     | V | force over=V     | conflict, write
# Ordered both: both are written.
human | V | force              | V     | V |                  | write, write
# The result was refused, or met a conflict before and is not due: its explanation waits.
V     | V | refused            | V     | V |                  | write, blocked_by_refusal
V     | V | not due            | V     | V |                  | write, blocked_by_conflict
V     | V | refused            | human | V | force            | write, blocked_by_refusal
V     | V | not due, confirmed | V     | V |                  | write, write
# A conflict of the detail is its own.
V     | V |                    | human | V |                  | write, conflict
E     | E |                    | human | V |                  | confirm, conflict
"""

# Another database of dsync has written into the démarche, unless this is the first one.
EMPTIED = """
result | detail | date | label | pushed | result, date, detail, label
# Nobody has written here, or a human the result alone.
-      | -      | -    | -     | .      | write, write, write, write
E      | -      | -    | -     | .      | equal, write, write, write
E      | -      | -    | E     | first  | equal, write, write, equal
-      | -      | -    | V     | first  | write, write, write, conflict
# This database has written nothing; a date or a label is what was left beside an emptied one.
-      | E      | E    | E     | .      | conflict, equal, equal, equal
-      | V      | V    | -     | .      | conflict, held, held, held
-      | -      | V    | -     | .      | conflict, held, held, held
-      | -      | -    | V     | .      | conflict, held, held, held
E      | -      | E    | E     | .      | equal, equal, conflict, equal
E      | E      | -    | E     | .      | equal, conflict, equal, equal
E      | E      | -    | -     | .      | equal, write, equal, write
# It has: DS refused the result, or a human emptied it.
-      | E      | E    | -     | date   | write, confirm, equal, write
-      | E      | E    | E     | result | conflict, equal, equal, equal
"""


def lines(table: str) -> list[Any]:
    """Return the cells of each line of a table, but for its head and its remarks."""
    _, *rows = [row for row in table.strip().splitlines() if not row.startswith("#")]
    return [
        pytest.param(
            *(cell.strip() for cell in row.split("|")), id=" ".join(row.replace("|", " ").split())
        )
        for row in rows
    ]


WORDS = {"E": 0, "V": 1, "I": 2}


def value(annotation: str, sign: str) -> str | None:
    """Return what a sign of the tables stands for in an annotation."""
    if sign == "-":
        return ""
    if sign == "human":
        return "2024-01-01T00:00:00+00:00" if annotation == "date" else "Une phrase."
    if sign == "beside":
        return f"Avis de l’équipe ; celui de dsync était « {OPTIONS[0]} »."
    place = WORDS[sign]
    if annotation == "date":
        return (EDITED_AT + timedelta(days=place)).isoformat()
    return OPTIONS[place] if annotation == "resultat" else f"Texte {place}."


def wish(annotation: str, wanted: str, pushed: str, lost: str, besides: str) -> Wish:
    """Return a wish as the outbox knows it."""
    target = "before" if "other revision" in besides else IDS[annotation]

    def written(sign: str) -> WrittenValue | None:
        return None if sign == "." else WrittenValue(value(annotation, sign), target)

    return with_order(
        Wish(
            list(IDS).index(annotation),
            NUMBER,
            annotation,
            value(annotation, wanted) or "",
            pushed=written(pushed),
            uncertain=written(lost),
            seen_at=EDITED_AT if "edited since" in besides else None,
            is_due="not due" not in besides and "refused" not in besides,
            statut=status(besides),
            erreur="option" if "refused" in besides else None,
            valeur_distante=seen(annotation, besides),
        ),
        besides,
    )


def seen(annotation: str, besides: str) -> str | None:
    """Return the human's value that was seen before."""
    _, is_there, sign = besides.partition("seen=")
    if not is_there:
        return None
    sign = sign.split()[0]
    return LABELS[WORDS[sign]] if annotation == "label" else value(annotation, sign)


def status(besides: str) -> WishStatus:
    """Return what became of a wish before."""
    if "confirmed" in besides:
        return WishStatus.CONFIRMEE
    return WishStatus.REFUSEE if "refused" in besides else WishStatus.EN_ATTENTE


def with_order(made: Wish, besides: str) -> Wish:
    """Add an operator's order, with what they saw."""
    if "force" not in besides:
        return made
    seen = besides.partition("over=")
    shown = None if not seen[1] else seen[2].split()[0] if seen[2].strip() else "-"
    if shown is None:
        return made._replace(force_par="operator")
    text = LABELS[WORDS[shown]] if made.annotation == "label" else value(made.annotation, shown)
    return made._replace(force_par="operator", force_sur=text)


def planned(
    wishes: list[Wish], values: dict[str, str | None], besides: str, missing: str = ""
) -> list[Step]:
    """Plan with some values in DS; an annotation with the value None is not in the answer."""
    there = {IDS[name]: text for name, text in values.items() if text is not None}
    edited_at = EDITED_AT if "not edited" in besides else EDITED_AT + timedelta(minutes=1)
    box = {"V": "validated" in besides}
    changed_at = edited_at if "changed" in besides else EDITED_AT - timedelta(days=1)
    if "no hand" in besides:
        changed_at = edited_at + timedelta(minutes=1)
    dates = dict.fromkeys(there, changed_at)
    remote = Remote(DossierId("d"), Etat.EN_CONSTRUCTION, there | box, {}, edited_at, dates)
    return plan(wishes, remote, resolved(missing), CONFIG, AVAILABLE)


@pytest.mark.parametrize(
    ("annotation", "wanted", "there", "pushed", "lost", "besides", "action"), lines(VALUES)
)
def test_a_value(
    annotation: str, wanted: str, there: str, pushed: str, lost: str, besides: str, action: str
) -> None:
    values = {annotation: None if there == "." else value(annotation, there)}
    missing = annotation if "no annotation" in besides else ""
    [step] = planned([wish(annotation, wanted, pushed, lost, besides)], values, besides, missing)
    assert Action(action) is step.action


@pytest.mark.parametrize(
    ("wanted", "there", "pushed", "lost", "besides", "action"), lines(LABELLED)
)
def test_the_label(
    wanted: str, there: str, pushed: str, lost: str, besides: str, action: str
) -> None:
    """What is added and removed; the labels of others always stay."""
    names = {sign: LABELS[place] for sign, place in WORDS.items()}
    names |= {"Z": "unknown", "former": "ancien", "gone": "éligible"}
    ids = {**AVAILABLE, "ancien": "L4"}

    def written(sign: str) -> WrittenValue | None:
        target = "L0" if sign == "gone" else ids.get(names.get(sign, ""))
        return None if sign == "." else WrittenValue(names[sign], target)

    made = Wish(4, NUMBER, "label", names[wanted], pushed=written(pushed), uncertain=written(lost))
    made = made._replace(valeur_distante=seen("label", besides))
    labels = [names.get(sign, sign) for sign in there.split() if sign != "-"]
    box, on_it = {"V": "validated" in besides}, {name: ids.get(name, "L9") for name in labels}
    remote = Remote(DossierId("d"), Etat.EN_CONSTRUCTION, box, on_it, EDITED_AT)
    [step] = plan([with_order(made, besides)], remote, resolved(), CONFIG, ids)
    signs = {name: sign for sign, name in names.items() if sign != "gone"}
    done = [step.action.value]
    done += [f"+{signs[step.add]}"] if step.add else []
    done += [f"-{signs[name]}" for name in sorted(step.remove, key=list(ids).index)]
    assert action == " ".join(done)


@pytest.mark.parametrize(
    ("result_there", "result_pushed", "result_besides", "there", "pushed", "besides", "actions"),
    lines(EXPLAINED),
)
def test_what_explains_the_result(
    result_there: str,
    result_pushed: str,
    result_besides: str,
    there: str,
    pushed: str,
    besides: str,
    actions: str,
) -> None:
    """A result that is not dsync's is not explained by dsync."""
    wishes = [
        wish("resultat", "E", result_pushed, ".", result_besides),
        wish("detail", "E", pushed, ".", besides),
    ]
    values = {"resultat": value("resultat", result_there), "detail": value("detail", there)}
    steps = planned(wishes, values, result_besides)
    assert actions == ", ".join(step.action.value for step in steps)


@pytest.mark.parametrize(
    ("result_there", "detail_there", "date_there", "label_there", "pushed", "actions"),
    lines(EMPTIED),
)
def test_what_was_emptied_before_anything_was_written(
    result_there: str,
    detail_there: str,
    date_there: str,
    label_there: str,
    pushed: str,
    actions: str,
) -> None:
    """The set is written together: where a part stands, an empty one is not free."""
    there = {"resultat": result_there, "detail": detail_there, "date": date_there}
    record = {"result": "resultat"}.get(pushed, pushed)
    wishes = [wish(name, "E", "E" if name == record else ".", ".", "") for name in IDS]
    wishes.append(Wish(4, NUMBER, "label", LABELS[0]))
    values = {IDS[name]: value(name, sign) for name, sign in there.items()}
    names = [LABELS[WORDS[sign]] for sign in label_there.strip("-")]
    labels = {name: AVAILABLE[name] for name in names}
    remote = Remote(DossierId("d"), Etat.EN_CONSTRUCTION, values, labels, EDITED_AT)
    is_first = pushed == "first"
    steps = plan(wishes, remote, resolved(), CONFIG, AVAILABLE, is_taking_over=not is_first)
    done = ", ".join(step.action.value for step in steps)
    assert actions == done.replace("blocked_by_conflict", "held")
