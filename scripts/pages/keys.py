"""The keys of the configuration file and the variables, as tables, from the models that read them.

Types, limits and defaults are those of the models' JSON schema; meanings are the docstrings below
the fields. A key without a docstring is an error.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import dsync
from dsync.cli import dsync as dsync_command
from dsync.configuration import Configuration, EigConfiguration
from dsync.eig.sections import EigSections
from dsync.settings import VARIABLES
from scripts.pages.table import rows

PACKAGE = Path(dsync.__file__).parent
SOURCES = (
    "configuration.py",
    "settings.py",
    "annotations/targets.py",
    "eig/sections.py",
    "controles/declarations.py",
)
SCHEMA = EigConfiguration.model_json_schema()
DEFS: Mapping[str, Any] = SCHEMA["$defs"]
SHARED = {
    "ChampTarget": "champ",
    "CritereTarget": "champ",
    "AnnotationTarget": "annotation",
    "VerdictTexts": "text for each verdict",
}
"""Tables that several sections have, with their names in the column of types."""
Schema = Mapping[str, Any]


def settings() -> list[str]:
    """Return every setting that the page lists: a row of its tables."""
    return re.findall(r"^\| `(\w+)` \|", f"{variables()}\n{sections()}", re.M)


def variables() -> str:
    """Return the table of the environment variables."""
    said = _classes()["Settings"][1]
    flags = {one.name: f"`{one.opts[0]}`" for one in dsync_command.params}
    return rows(
        ("variable", "flag", "meaning"),
        ((f"`DSYNC_{name.upper()}`", flags.get(name, "–"), said[name]) for name in VARIABLES),
    )


def sections() -> str:
    """Return a part for each section of the file, then one for each table that several have."""
    properties = SCHEMA["properties"]
    # Declared checks have a page of their own, in French.
    declared = ("tables", "controles")
    ordered = [*Configuration.model_fields, *EigSections.model_fields]
    ordered = [name for name in ordered if name not in declared]
    named = _parts("", {"properties": {name: properties[name] for name in ordered}})
    shared = (
        (title.capitalize(), _part(name, DEFS[name]))
        for name, title in SHARED.items()
        if name != "CritereTarget"
    )
    return "\n\n".join(f"### {title}\n\n{text}".rstrip() for title, text in (*named, *shared))


def _parts(path: str, schema: Schema, *, repeated: bool = False) -> Iterator[tuple[str, str]]:
    """Yield the title and the text of a section and of those below it."""
    if path:
        name = schema["title"]
        title = f"`[[{path}]]`, any number of them" if repeated else f"`[{path}]`"
        yield title, _part(name, schema)
    for key, one in schema["properties"].items():
        target, is_list = _table_of(one)
        if target is not None and not _is_shared(target):
            yield from _parts(f"{path}.{key}".lstrip("."), target, repeated=is_list)


def _part(name: str, schema: Schema) -> str:
    """Return the text of one section: its description and the table of its keys."""
    text, said = _classes().get(name, ("", {}))
    if name in WRITTEN_SHORT:
        return WRITTEN_SHORT[name]
    properties = schema["properties"]
    if name in CANDIDATURE:
        of_repetition = "id" in properties
        own = DEFS["ChampTarget"]["properties"] if of_repetition else {}
        keys = [key for key in properties if key not in own and key != "criteres"]
        listed = ",\n".join(f"`{key}`" for key in (["repetition"] if of_repetition else []) + keys)
        return f"{CANDIDATURE[name]} Each key is a [champ](#champ):\n{listed}."
    needed = schema.get("required", ())
    own = {key: one for key, one in properties.items() if not _is_section(one)}
    if not own:
        return text
    missing = sorted(set(own) - set(said))
    if missing:
        raise LookupError(f"{name}: no docstring below {', '.join(missing)}")
    table = rows(
        ("key", "type", "default", "meaning"),
        (
            (f"`{key}`", _type(one), "required" if key in needed else _default(one), said[key])
            for key, one in own.items()
        ),
    )
    return f"{text}\n\n{table}".lstrip()


WRITTEN_SHORT = {
    "AdvancedSection": (
        "For hundreds of démarches, or a slow network. `requests_per_minute` (350; DS allows a "
        "token 400) is shared by all services on a database, 15 % of it are kept for people and "
        "webhooks. `workers` (4) is how many démarches are at work at the same time, in each "
        "replica; of several files the highest counts. `deadline` (1m) is for one request with its "
        "whole answer. `late_after` is when `/readyz` misses a success: by default after three "
        "intervals of the incremental read; more, where a full read takes longer."
    ),
    "AnnotationTarget": "An annotation is written as a [champ](#champ), with an id.",
    "VerdictTexts": (
        "One text for each of `eligible`, `a_verifier`, `ineligible` and, if it differs from that "
        "for « Éligible », `rien_a_signaler`; nothing is written for « Indéterminé »."
    ),
    "ChampTarget": (
        "A champ or annotation is written as its descriptor's id in DS, the same in all revisions "
        "of the form, and labels by which it is found where no descriptor has the id: "
        '`["Q2hhbXAtNDEwMg==", "Page produit"]`. The id alone, or a label alone, is a text.'
    ),
}
"""What is written without a table."""
CANDIDATURE = {
    "ChampTargets": (
        "Which champ fills which column of `lecture_candidature`; a key of another name adds its "
        "answer to the column `extra`."
    ),
    "AnnotationTargets": "Which annotation fills which column of `lecture_candidature`.",
    "VoeuxTarget": "The repetition of wished profiles and its columns.",
    "EvaluationsTarget": (
        "The repetition of evaluation grids and its columns; `[mapping.evaluations.criteres]` has "
        "its criteria, each a champ, by their names in the views."
    ),
}
"""Sections whose keys come from the declaration of the candidature."""


def _is_section(one: Schema) -> bool:
    target, _ = _table_of(one)
    return target is not None and not _is_shared(target)


def _is_shared(schema: Schema | None) -> bool:
    return schema is not None and schema.get("title") in SHARED


def _table_of(one: Schema) -> tuple[Schema | None, bool]:
    """Return the table that a key holds, or None, and whether it holds a list of them."""
    for option in one.get("anyOf", [one]):
        if "$ref" in option:
            return DEFS[option["$ref"].rpartition("/")[2]], False
        if "$ref" in option.get("items", {}):
            return DEFS[option["items"]["$ref"].rpartition("/")[2]], True
    return None, False


def _type(one: Schema) -> str:
    target, is_list = _table_of(one)
    if target is not None:
        title = SHARED[target["title"]]
        link = f"[{title}](#{title.replace(' ', '-')})"
        return f"list of {link}" if is_list else link
    (option,) = [kind for kind in one.get("anyOf", [one]) if kind.get("type") != "null"]
    if "enum" in option:
        return " or ".join(f"`{value}`" for value in option["enum"])
    if option["type"] == "array":
        return f"list of {_type(option['items'])}"
    if option["type"] == "object":
        of_names = option.get("propertyNames", {})
        names = DEFS.get(of_names.get("$ref", "").rpartition("/")[2], of_names).get("enum")
        of = f" for each of {', '.join(f'`{name}`' for name in names)}" if names else " by name"
        return f"{_type(option['additionalProperties'])}{of}"
    return f"{WORDS[option.get('format', option['type'])]}{_limits(option)}"


WORDS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "`true` or `false`",
    "path": "path",
    "date": "day",
    "time": "time of day",
    "duration": "duration",
}


def _limits(option: Schema) -> str:
    least = option.get("minimum")
    most = option.get("maximum")
    if least is not None and most is not None:
        return f", {_plain(least)} to {_plain(most)}"
    if least is not None:
        return f", {_plain(least)} or more"
    if "exclusiveMinimum" in option:
        above = f", more than {_plain(option['exclusiveMinimum'])}"
        return above if most is None else f"{above}, {_plain(most)} at most"
    return ""


def _plain(number: float) -> str:
    return f"{number:,.15g}"


def _default(one: Schema) -> str:
    value = one.get("default")
    if value in (None, [], {}):
        return ""
    text = json.dumps(value, ensure_ascii=False)
    if duration := re.fullmatch(r'"PT?(\d+)([DHMS])"', text):
        text = f'"{duration[1]}{duration[2].lower()}"'
    if isinstance(value, float):
        text = _plain(value)
    return f"`{re.sub(r':00(?=.$)', '', text) if one.get('format') == 'time' else text}`"


@cache
def _classes() -> dict[str, tuple[str, dict[str, str]]]:
    """Return the docstring of each class, and those below its fields, inherited ones included."""
    found: dict[str, tuple[str, dict[str, str]]] = {}
    for source in SOURCES:
        tree = ast.parse((PACKAGE / source).read_text(encoding="utf-8"))
        for node in tree.body:
            if not isinstance(node, ast.ClassDef):
                continue
            fields: dict[str, str] = {}
            for base in node.bases:
                fields |= found.get(getattr(base, "id", ""), ("", {}))[1]
            for field, after in zip(node.body, node.body[1:], strict=False):
                if isinstance(field, ast.AnnAssign) and (text := _docstring(after)):
                    fields[_key(field)] = text
            text = _one_line(ast.get_docstring(node) or "")
            text = re.sub(r"^(The )?(whole )?[Ss]ection `.+?`[:.] ?", "", text)
            found[node.name] = (text[:1].upper() + text[1:], fields)
    return found


def _docstring(node: ast.stmt) -> str | None:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return _one_line(str(node.value.value))
    return None


def _one_line(text: str) -> str:
    return " ".join(text.split()).replace("``", "`")


def _key(field: ast.AnnAssign) -> str:
    """Return the key in the file: the alias, where there is one."""
    if isinstance(field.value, ast.Call):
        for argument in field.value.keywords:
            if argument.arg == "alias" and isinstance(argument.value, ast.Constant):
                return str(argument.value.value)
    return ast.unparse(field.target)
