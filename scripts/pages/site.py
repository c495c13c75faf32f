"""What the site's build has to know: a page's language, the repository, what stays whole."""

from __future__ import annotations

import json
import re

ENGLISH = re.compile(r"\b(?:the|of|and|is|to)\b")
FRENCH = re.compile(r"\b(?:le|la|les|des|et|est)\b")
UNKNOWN = ".invalid"
"""The end of an address's host, until somebody publishes the project."""
BRANCH = "edit/main/docs/"
"""Where a page is edited, below the repository's address."""
IDENTIFIER = re.compile(r"<code>([^\s<]{1,36})</code>")
"""Longer ones would not fit into a telephone's width."""


def language(text: str) -> str:
    """Return « fr » or « en », by the more frequent of each language's shortest words."""
    return "en" if len(ENGLISH.findall(text)) > len(FRENCH.findall(text)) else "fr"


def settings(text: str, language: str, publiccode: str) -> str:
    """Return zensical.toml with the theme's language, and the repository if it has an address.

    Args:
        text: the file as it is.
        language: of the theme's own words.
        publiccode: publiccode.yml, which names the address.
    """
    text = re.sub(r'^language = ".."$', f'language = "{language}"', text, flags=re.M)
    [url] = re.findall(r"^url: (\S+?)(?:\.git)?$", publiccode, re.M)
    if url.split("/")[2].endswith(UNKNOWN):
        return text
    links = f"repo_url = {json.dumps(url)}\nedit_uri = {json.dumps(BRANCH)}\n"
    return text.replace("[project]\n", f"[project]\n{links}", 1)


def finished(html: str) -> str:
    """Return a page whose identifiers do not break; files beside docs/ are edited there."""
    html = re.sub(r"(/(?:edit|raw)/[^/\"]+)/docs/project/", r"\1/", html)
    return IDENTIFIER.sub(r'<code class="whole">\1</code>', html)
