"""The table of what the pre-check says, made of its sentences.

Run as `python -m tests.golden.table --write` it writes docs/precheck.md anew.
"""

from __future__ import annotations

import sys
from pathlib import Path

from dsync.eig.precheck import TITLES
from dsync.eig.precheck.sentences import SENTENCES, Sentence

PAGE = Path(__file__).parents[2] / "docs" / "precheck.md"
HEAD = """\
# What the pre-check says

<!-- Made of dsync/eig/precheck/sentences.py by `python -m tests.golden.table --write`. -->

The text in a dossier's annotation has, in this order:

1. « <Résultat> – avis automatique préparatoire, ne vaut pas décision ; instruction : … » ; who
   decides is configuration (`[regles] instruction`);
2. a line for each check that needs a hand, the most severe first: the fact and its source with the
   day on which it was read, the rule, what to do;
3. « Conforme : … », each check with its facts;
4. « Non examiné : … », the checks that hang on a product when none is identified.

Blanks at which French does not break a line are non-breaking: beside « : ; » and guillemets, inside
numbers. In views and on screens the sentences have plain ones.

Each check stands in it once; checks that say the same share a line. The text has 1,500 characters
at most (`[regles] max_detail_length`): where it would be longer, the facts of what is conforme go
first, then the ends of the longest lines. Texts of forty kinds of dossiers are in
[tests/golden/details.txt](../tests/golden/details.txt).

The sentences, with their facts in braces. The most severe outcome of each check is configuration
(`[regles.severity]`); of a product known by its site, its code or its name alone, `phase` weighs
`a_verifier` at most.
"""


def page() -> str:
    """Return the page."""
    return "\n".join([HEAD, *(_section(check) for check in TITLES)])


def _section(check: str) -> str:
    rows = [_row(sentence) for sentence in SENTENCES if check in sentence.controles]
    head = [f"## `{check}` ({TITLES[check]})", "", "| outcome | when | sentence |", "|---|---|---|"]
    return "\n".join([*head, *rows, ""])


def _row(sentence: Sentence) -> str:
    parts = [f"{sentence.fait}.", sentence.regle and f"{sentence.regle}."]
    parts.append(sentence.a_faire and f"À faire : {sentence.a_faire}.")
    said = " ".join(part for part in parts if part)
    return f"| `{sentence.resultat}` | {sentence.quand} | {said} |"


if __name__ == "__main__":
    if "--write" in sys.argv:
        PAGE.write_text(page(), encoding="utf-8")
    else:
        sys.stdout.write(page())
