"""Generates docs/precheck.md from the sentences of the pre-check."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dsync.eig.precheck.check import Check
from dsync.eig.precheck.sentences import SENTENCES, Sentence

HEAD = """\
# The pre-check's texts

<!-- Generated from dsync/eig/precheck/sentences.py by `pytest --update-golden`. -->

The text in the annotation of a dossier has, in this order:

1. « <Résultat> – avis automatique préparatoire, ne vaut pas décision ; instruction : … »; the last
   part is configured (`[regles] instruction`);
2. a line for each check that is not conforme, the most severe first: the fact with its source and
   the day on which it was read, the rule, what to do;
3. « Conforme : … », the conforming checks with their facts;
4. « Non examiné : … », the checks that need a product, if none was identified.

Each check occurs once; checks with the same sentence share a line. The text has at most 1,500
characters (`[regles] max_detail_length`): in a longer one, the facts of conforming checks are
dropped first, then the ends of the longest lines. Spaces at which French does not break a line are
non-breaking; in views and on screens they are plain. The texts of forty kinds of dossiers are in
[tests/golden/details.txt](../tests/golden/details.txt).

Below are the sentences, with placeholders in braces. The most severe result of each check is
configured (`[regles.severity]`). A check that is `off` there is not made: it is in no text, has no
row in the views, and what it alone needs may be left out of `[regles]`. If the product was found by
its site, its repository or its name only, `phase` gives at most `a_verifier`.
"""


def page() -> str:
    """Return the page."""
    return "\n".join([HEAD, *(_section(check) for check in Check)])


def rows(head: Sequence[str], body: Iterable[Sequence[str]]) -> str:
    """Return a table of Markdown.

    Args:
        head: the titles of its columns.
        body: the cells of each row.
    """
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    lines += [f"| {' | '.join(cells)} |" for cells in body]
    return "\n".join(lines)


def _section(check: str) -> str:
    sentences = [_row(sentence) for sentence in SENTENCES if check in sentence.controles]
    table = rows(("result", "when", "sentence"), sentences)
    return f"## `{check}` ({check.label})\n\n{table}\n"


def _row(sentence: Sentence) -> tuple[str, str, str]:
    parts = [f"{sentence.fait}.", sentence.regle and f"{sentence.regle}."]
    parts.append(sentence.a_faire and f"À faire : {sentence.a_faire}.")
    text = " ".join(part for part in parts if part)
    return f"`{sentence.resultat}`", sentence.quand, text
