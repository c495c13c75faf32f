"""The form of the démarche aap-eig7 in two revisions: ids, types, labels and options."""

from __future__ import annotations

from typing import Any

from dsync.sandbox.content.rng import load
from dsync.sandbox.world.model import FormRevision, FormSeed


def form(data: dict[str, Any]) -> FormSeed:
    """Return a form of `data/forms.toml`, with as many revisions as it has dates of publication."""
    content = data["champs"], data["annotations"]
    revisions = [FormRevision(at, *content) for at in data["published_at"]]
    facts = ("number", "title", "labels", "groupes")
    return FormSeed(**{fact: data[fact] for fact in facts}, revisions=revisions)


FORM = form(load("forms")["eig"])
_FIRST, _SECOND = (
    {d.stable_id: d for top in (r.champs, r.annotations) for t in top for d in (t, *t.champs)}
    for r in FORM.revisions
)
ETAPES = _SECOND[5202].options
CRITERES = [stable_id for stable_id in _SECOND if 5311 <= stable_id <= 5319]
CAS_LANCER, CAS_INTERNALISER = _SECOND[4402].options
PROFILS = dict(zip(("produit", "technique", "impact"), _SECOND[4404].options, strict=True))
PROFIL_IMPACT = PROFILS["impact"]
_FIRST[4404].options.remove(PROFIL_IMPACT)
