"""The rules of the shipped configuration, as `dsync rules publish` writes them."""

from __future__ import annotations

import re

from dsync.configuration import shipped_config
from dsync.domain.paper import markdown
from dsync.settings import load_each
from dsync.wiring import Worker


def published() -> str:
    """Return the rules, below a page's own title."""
    [settings] = load_each(config=shipped_config()).found
    with Worker(settings) as worker:
        if worker.eig is None or worker.eig.rule_set is None:
            raise LookupError("the shipped configuration judges nothing")
        text = markdown(worker.eig.rules_page())
    return re.sub(r"\A# .+\n+", "", text)
