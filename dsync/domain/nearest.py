"""Finds what is most similar: the known word to a misspelt one, a label to known ones."""

from __future__ import annotations

from collections.abc import Iterable

from dsync.domain.dossier import Demarche, slug

MIN_SIMILARITY = 60
"""Similarity in percent from which a word is taken for a misspelling of a known one."""
SURE = 90
"""Similarity in percent from which a label is taken for a known one."""
MISSPELT = 80
"""Similarity in percent from which a name of one's own may be a misspelling of a field's."""


def nearest(word: str, known: Iterable[str], *, at_least: int = MIN_SIMILARITY) -> str | None:
    """Return the most similar known word, None if none is similar."""
    from rapidfuzz import fuzz, process  # Takes 20 ms, which only a misspelt word needs.

    found = process.extractOne(word, [*known], scorer=fuzz.ratio, score_cutoff=at_least)
    return found[0] if found else None


def no_instructeur(demarche: Demarche, named: str) -> str:
    """Return the sentence that nobody of a démarche has this id or e-mail, with the nearest one."""
    known = {one.email.casefold(): one.email for one in demarche.instructeurs if one.email}
    near = nearest(named.casefold(), known)
    meant = f"; did you mean {known[near]}?" if near else ""
    return f"{named} is no instructeur of this démarche{meant}"


def similarity(libelle: str, known: Iterable[str]) -> int:
    """Return the similarity of a label of DS with the nearest known one, in percent below 100."""
    from rapidfuzz import fuzz  # Takes 20 ms, which only this needs.

    given, *others = [slug(one).replace("_", " ") for one in (libelle, *known)]
    # Whichever is higher: the same words in another order ask the same question.
    scores = [max(fuzz.ratio(one, given), fuzz.token_sort_ratio(one, given)) for one in others]
    # 100 means that the label is known, and not similar.
    return min(99, int(max(scores, default=0)))
