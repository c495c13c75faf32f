"""The events of the log as a page: their names and facts from the code, their meaning from here."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import dsync
from scripts.pages.table import rows

PACKAGE = Path(dsync.__file__).parent
LEVELS = {
    "info": "info",
    "warning": "warning",
    "error": "error",
    "exception": "error",
    "_notify": "info",
}
"""The level of a call, by the name of what is called; « debug » is never shown."""
LOGGERS = {"log", "self", "structlog.get_logger(__name__)", "get_logger(__name__)"}
NAME = re.compile(r"[a-z]+(_[a-z]+)+|recovered")
MEANINGS = {
    "service_started": "`dsync run` has begun; `version`, and what it serves.",
    "service_stopped": "It ends after a signal: whether the run under way was finished.",
    "configuration_read": "Files were added, changed or removed, and are in force.",
    "configuration_refused": "A file is wrong: its démarche is not served until it is put right.",
    "token_renewed": "The token's file has a new one, which is used from here on.",
    "run_started": "A run has begun.",
    "run_finished": "It has ended, with its figures.",
    "run_failed": "It was ended by an error, whose sentence has the remedy.",
    "run_problem": "It has done all but this.",
    "run_postponed": "It is tried again after this time, which grows with each failure.",
    "run_interrupted": "A stop ended it; the next one resumes.",
    "check_failed": (
        "A check failed on these dossiers, which are in quarantine; report the traceback."
    ),
    "run_crashed": "A bug of dsync ended it; report the traceback.",
    "lease_not_renewed": "The database did not answer; another process may take over.",
    "request_done": "What a person or a webhook asked for was executed.",
    "request_crashed": "A bug of dsync ended it; report the traceback.",
    "turns_crashed": "A bug of dsync in the scheduler, which goes on; report the traceback.",
    "ds_failed": "A request to DS failed: what is done now.",
    "ds_asked_for_less": "DS timed out or broke on a page: a smaller one is asked for.",
    "recovered": "DS answers again, or runs succeed again, after failures.",
    "page_failed": (
        "DS could not give a page of dossiers (`size`), or the console could not show one of its "
        "pages."
    ),
    "cursor_refused": "DS does not accept the stored place in a full read: it starts again.",
    "list_of_deletions_failed": "DS fails on a list of deletions; the run ends with 7.",
    "revision_changed": "The form has a new revision: all dossiers are read again.",
    "dossiers_of_another_demarche_removed": "The copy had dossiers that DS says are elsewhere.",
    "piece_not_copied": "A file could not be copied; it is tried again later.",
    "retention_announced": "What `[retention]` erases is announced; it is erased later.",
    "demarche_forgotten": "`dsync forget` has removed a démarche.",
    "another_service": (
        "Another `dsync run` works on this SQLite file, or was killed within the last minutes: one "
        "is enough, stop the other one."
    ),
    "not_vacuumed": "Erased data may be left in free pages of SQLite's file: run `VACUUM`.",
    "database_unavailable": "The database does not answer; the service waits for it.",
    "database_available": "It answers again.",
    "clock_went_back": "The machine's clock was set back; what is due is done now.",
    "http_listening": "Health, metrics and webhooks are answered at this address.",
    "http_off": "They are not: the default address is in use.",
    "connections_refused": "Too many connections at once: so many were closed.",
    "alert_began": "A cause that needs an operator; also where nobody is told.",
    "alert_ended": "It is over.",
    "alert_not_sent": "No address of `DSYNC_ALERT_URLS` took it; it is tried again.",
    "alerts_without_database": "Alerts are told by each service on its own until it answers.",
    "check_not_made": "The checks behind alerts could not be made; they are tried again.",
    "check_crashed": "A bug of dsync ended a part of the checks; report the traceback.",
    "alerts_crashed": (
        "A bug of dsync in what is told, of this `demarche` alone if there is one; report the "
        "traceback."
    ),
    "afterwards_crashed": "A bug of dsync in what follows a run; report the traceback.",
    "ping_failed": "`[alerts] ping_url` did not answer.",
    "grist_kept": "The tables of `[grist] document` are equal to their views.",
    "grist_left": "A person changed there what dsync made: it stays so, and is not kept any more.",
    "grist_failed": "Grist is away or refuses; the next run tries again.",
    "seen_not_journaled": (
        "Who saw what in the console could not be written; it is kept and tried again each minute."
    ),
    "signed_in": "Somebody has signed in to the console, with these roles.",
    "sign_in_refused": "A sign-in failed, or there were too many.",
    "sign_out_failed": "The provider did not end the session there; here it is ended.",
}
"""What each event means, in the order of the page."""


def documented() -> str:
    """Return the table of the events.

    Raises:
        LookupError: one has no meaning here, or a meaning no event.
    """
    found = _found()
    if found.keys() != MEANINGS.keys():
        raise LookupError(f"log events: {', '.join(sorted(found.keys() ^ MEANINGS.keys()))}")
    return rows(
        ("event", "level", "facts", "meaning"),
        (
            (f"`{name}`", " or ".join(levels), ", ".join(f"`{fact}`" for fact in facts), meaning)
            for name, meaning in MEANINGS.items()
            for levels, facts in (found[name],)
        ),
    )


def _found() -> dict[str, tuple[list[str], list[str]]]:
    """Return the levels and the facts of each event that the package logs."""
    found: dict[str, tuple[list[str], list[str]]] = {}
    for file in sorted(PACKAGE.rglob("*.py")):
        for function in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            for call, level in _calls(function):
                for name in _names(call.args[0], function):
                    levels, facts = found.setdefault(name, ([], []))
                    levels += [level] if level not in levels else []
                    facts += [
                        one.arg
                        for one in call.keywords
                        if one.arg not in (None, "exc_info", *facts)
                    ]
    return found


def _calls(function: ast.AST) -> Iterator[tuple[ast.Call, str]]:
    for node in ast.walk(function):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
            continue
        if node.func.attr in LEVELS and ast.unparse(node.func.value) in LOGGERS:
            yield node, LEVELS[node.func.attr]


def _names(argument: ast.expr, function: ast.AST) -> Iterator[str]:
    """Yield the event's name, or both of a choice, also of one that was made above the call."""
    if isinstance(argument, ast.Name):
        for node in ast.walk(function):
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == argument.id:
                yield from _names(node.value, function)
    for node in ast.walk(argument):
        if isinstance(node, ast.Constant) and NAME.fullmatch(str(node.value)):
            yield str(node.value)
