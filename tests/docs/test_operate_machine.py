"""docs/operate on a machine of its own: systemd, cron, backup, restore, moves, the end."""

from __future__ import annotations

import json
import pickle
import re
import shlex
import signal
import sqlite3
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from dsync.sandbox import Sandbox
from dsync.sandbox.content import EQUIPMENT_FORM, FIRST_NUMBER
from dsync.sandbox.edits import Change
from tests.docs.shell import NUMBER, ROOT, Done, Machine, block, page
from tests.engine.rig import small_sandbox

pytestmark = pytest.mark.operate

RESULTAT, DETAIL, DATE = 5102, 5103, 5104
UNIT = (ROOT / "deploy/dsync.service").read_text(encoding="utf-8")
DATABASE = "/var/lib/dsync/dsync.db"
NOBODY = "setpriv --reuid=nobody --regid=nogroup --clear-groups"


def done(ended: Done, code: int = 0) -> Done:
    """Return what a script printed, whose code has to be this one."""
    assert code == ended.code, ended.text
    return ended


@pytest.fixture(scope="module")
def served() -> Iterator[Sandbox]:
    """Serve 12 invented dossiers to all tests of this file."""
    with small_sandbox(12) as server:
        yield server


@pytest.fixture(scope="module")
def installed(
    served: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Machine, bytes, list[Done]]:
    """Follow systemd.md to the service; return the machine, DS as it is then, what was printed."""
    machine = Machine.new(tmp_path_factory.mktemp("machine") / "first")
    # The virtual environment of the tests is there already.
    made = ("python3 -m venv", "/opt/dsync/bin/pip")
    lines = page("systemd.md", "program").split("\n")
    done(machine("\n".join(line for line in lines if not line.startswith(made))))
    done(machine(page("systemd.md", "user")))
    own = {
        "DSYNC_DS_URL": served.ds_url,
        "DSYNC_BETAGOUV_URL": served.betagouv_url,
        "DSYNC_HTTP_LISTEN": "",
    }
    with machine.path("/etc/dsync/environment").open("a", encoding="utf-8") as opened:
        opened.writelines(f"{name}={value}\n" for name, value in own.items())
    done(machine(page("systemd.md", "token"), given=f"{served.tokens.write}\n"))
    done(machine(page("systemd.md", "database"), given=f"sqlite:///{DATABASE}\n"))
    first = done(machine(page("systemd.md", "first run")))
    done(machine("dsync sync"), 4)
    pushed = done(machine("dsync accept first --yes && dsync status --strict"))
    service = done(machine(f"systemctl() {{ :; }}\n{page('systemd.md', 'service')}"))
    state = pickle.dumps((served.world.demarches, served.world.agents))
    return machine, state, [first, pushed, service]


@pytest.fixture
def machine(
    installed: tuple[Machine, bytes, list[Done]], served: Sandbox, tmp_path: Path
) -> Machine:
    """Return a machine of the test's own, on which the first run was made and pushed."""
    first, state, _ = installed
    served.world.demarches, served.world.agents = pickle.loads(state)
    return first.copy(tmp_path / "machine")


def dossiers(machine: Machine) -> list[tuple[int, str, str]]:
    """Return number, state and verdict of each dossier."""
    listed = json.loads(done(machine("dsync dossier list --json")).out)
    return [(one["numero"], one["etat"], one["verdict"]) for one in listed]


def count(machine: Machine, query: str) -> Any:
    """Return the first row of a query on the machine's SQLite file."""
    with closing(sqlite3.connect(machine.path(DATABASE))) as connection:
        return connection.execute(query).fetchone()


def test_the_page_of_systemd_leads_to_a_first_run(
    installed: tuple[Machine, bytes, list[Done]],
) -> None:
    """From a bare machine to dossiers that are judged and written back, by its blocks alone."""
    machine, _, (first, pushed, _) = installed
    assert "places to look at" not in first.err
    assert "last success" in first.out
    assert "success" in pushed.out
    assert (12,) == count(machine, "SELECT count(*) FROM dossier")
    (written,) = count(machine, "SELECT count(*) FROM outbox WHERE statut = 'confirmee'")
    assert written > 0


def test_secrets_are_roots_and_the_user_can_read_them_alone(
    installed: tuple[Machine, bytes, list[Done]],
) -> None:
    """Others read nothing of /etc/dsync; the user changes nothing there."""
    machine, *_ = installed
    for name in ("ds-token", "database-url", "environment", f"demarches/{NUMBER}.toml"):
        found = machine.path(f"/etc/dsync/{name}").stat()
        assert (0, 0o640) == (found.st_uid, stat.S_IMODE(found.st_mode)), name
    assert 0o750 == stat.S_IMODE(machine.path("/etc/dsync").stat().st_mode)
    database = machine.path(DATABASE).stat()
    assert 0o600 == stat.S_IMODE(database.st_mode)
    assert 0 != database.st_uid
    other = machine(f"{NOBODY} cat /etc/dsync/ds-token")
    assert (1, "") == (other.code, other.out)


def test_a_command_beside_the_unit_needs_no_variable(machine: Machine) -> None:
    """`env -i dsync status` shows the service's database; another user is told to use sudo."""
    alone = machine.cron("env -i /usr/local/bin/dsync status --max-age")
    assert (0, "") == (alone.code, alone.err)
    assert "last success" in alone.out
    refused = machine(f"{NOBODY} dsync status")
    assert (2, True) == (refused.code, "put sudo before the command" in refused.err)


def test_the_journal_names_who_called_sudo(machine: Machine) -> None:
    """And not the service's user, under which each command works."""
    done(machine(f"dsync dossier erase {FIRST_NUMBER} --yes", SUDO_USER="agent"))
    assert "agent@" in done(machine("dsync history --manual")).out


def test_the_unit_starts_what_the_page_installed(machine: Machine) -> None:
    """Its command, as its user, with its variables and nothing else; SIGTERM ends it with 0."""
    given = dict(re.findall(r"^(\w+)=(.+)$", UNIT, re.M))
    variables = {"PATH": "/usr/bin:/bin", "HOME": "/var/lib/dsync", "LANG": "C.UTF-8"}
    environment = machine.path(given["EnvironmentFile"]).read_text(encoding="utf-8")
    variables |= dict(re.findall(r"^(\w+)=(.*)$", environment, re.M))
    variables |= dict(re.findall(r"(DSYNC_\w+)=(\S+)", given["Environment"]))
    user = ["setpriv", f"--reuid={given['User']}", f"--regid={given['User']}", "--init-groups"]
    start = f"umask {given['UMask']} && cd /var/lib/{given['StateDirectory']} && exec "
    start += shlex.join([*user, *shlex.split(given["ExecStart"])])
    alone = ["env", "-i", *(f"{name}={value}" for name, value in variables.items())]
    service = subprocess.Popen(
        [*machine.within(), *alone, "bash", "-c", start], stderr=subprocess.PIPE, text=True
    )
    try:
        until = time.monotonic() + 60
        while "dsync run" not in machine("dsync status").out and time.monotonic() < until:
            time.sleep(0.2)
        # The service does it, and the command follows.
        followed = done(machine("dsync sync --full"))
        assert "does it; following" in followed.err
    finally:
        service.send_signal(signal.SIGTERM)
        _, said = service.communicate(timeout=10)
    assert 0 == service.returncode, said
    assert '"service_started"' in said


def cron_lines(text: str) -> list[str]:
    """Return the commands of a file of /etc/cron.d, as cron passes them to the shell."""
    found = [re.fullmatch(r"(?:\S+ ){5}root (.+)", line) for line in text.splitlines()]
    return [one[1].replace("\\%", "%") for one in found if one]


def test_each_line_of_cron_works_in_its_environment(machine: Machine) -> None:
    """With /bin/sh, and cron's PATH; the log has what each run did, its exit code and the time.

    Cron and logrotate take only files that nobody but root may write.
    """
    for script in (page("cron.md", "crontab"), page("cron.md", "logrotate")):
        done(machine(f"umask 022\n{script}"))
    for place in ("/etc/cron.d/dsync", "/etc/logrotate.d/dsync"):
        assert 0o644 == stat.S_IMODE(machine.path(place).stat().st_mode)
    lines = cron_lines(machine.path("/etc/cron.d/dsync").read_text(encoding="utf-8"))
    assert 3 == len(lines)
    runs = count(machine, "SELECT count(*) FROM sync_run")[0]
    printed = [done(machine.cron(line)).text for line in lines]
    assert ["", ""] == printed[:2]
    assert "last success" in printed[2]
    assert (runs + 2,) == count(machine, "SELECT count(*) FROM sync_run")
    log = machine.path("/var/log/dsync.log")
    machine.path("/etc/dsync/ds-token").write_text("revoked\n", encoding="utf-8")
    done(machine.cron(lines[0]))
    *said, last = log.read_text(encoding="utf-8").splitlines()
    assert "success" in said[0]
    assert 2 == sum(line.startswith("exit 0 at 20") for line in said)
    assert "DS does not know this token" in said[-1]
    assert last.startswith("exit 3 at 20")


def test_the_looks_of_day_two_find_nothing(machine: Machine) -> None:
    """After a run that was pushed, each day's and each week's lines end well."""
    seen = done(machine(f"{page('day-two.md', 'day')}\n{page('day-two.md', 'week')}"))
    assert "Everything fits." in seen.out


def test_a_backup_is_restored_on_another_machine(machine: Machine, tmp_path: Path) -> None:
    """With what the archive of /etc has; the same dossiers, and everything fits."""
    done(machine(page("backup.md", "backup")))
    [backup] = [one for one in machine.path("/var/backups/dsync").iterdir() if one.suffix != ".gz"]
    tried = machine(page("backup.md", "try sqlite"), BACKUP=f"/var/backups/dsync/{backup.name}")
    assert "Everything fits." in done(tried).out
    assert not machine.path("/var/lib/dsync/trial.db").exists()
    before = dossiers(machine)
    other = Machine.new(tmp_path / "other")
    program = block("systemd.md", "program").split("\n")[-1]
    made = page("systemd.md", "user").partition("cat >")[0]
    done(other(f"{program}\n{made}"))
    other.path("/srv/dsync").mkdir()
    for file in machine.path("/var/backups/dsync").iterdir():
        (other.path("/srv/dsync") / file.name).write_bytes(file.read_bytes())
    done(other("tar -xzf /srv/dsync/*.etc.tar.gz -C / && chown -R root:dsync /etc/dsync"))
    done(other(page("backup.md", "restore sqlite"), BACKUP=f"/srv/dsync/{backup.name}"))
    after = done(other(page("backup.md", "after a restore")))
    assert 2 == after.out.count("Everything fits.")
    assert before == dossiers(other)


def test_the_nightly_backup_works_in_crons_environment(machine: Machine) -> None:
    """Its instant in the name, files that nobody else reads; cron mails failures and findings."""
    done(machine(page("backup.md", "backup").split("\n")[0]))
    done(machine(page("backup.md", "nightly")))
    text = machine.path("/etc/cron.d/dsync-backup").read_text(encoding="utf-8")
    backup, etc, verify, delete = cron_lines(text)
    assert [""] * 4 == [done(machine.cron(line)).text for line in (backup, etc, verify, delete)]
    made = sorted(machine.path("/var/backups/dsync").iterdir())
    for file, name in zip(made, (r"", r"\.etc\.tar\.gz"), strict=True):
        assert re.fullmatch(r"\d{4}-\d{2}-\d{2}-\d{4}" + name, file.name)
        assert 0o600 == stat.S_IMODE(file.stat().st_mode)
    with closing(sqlite3.connect(machine.path(DATABASE))) as connection, connection:
        connection.execute("UPDATE contenu SET champs = '[]'")
    assert "! hashes (12): " in machine.cron(verify).out
    machine.path(DATABASE).unlink()
    assert "dsync.db" in machine.cron(backup).text


def test_an_answer_given_since_a_backup_is_given_again(machine: Machine) -> None:
    """It is a conflict until then; the value in DS, which has the answer, is then dsync's own."""
    done(machine(page("backup.md", "backup")))
    [backup] = [one for one in machine.path("/var/backups/dsync").iterdir() if one.suffix != ".gz"]
    query = "SELECT numero FROM lecture_precontrole_controle WHERE controle = 'administration' "
    (number,) = count(machine, query + "AND resultat = 'non_conforme' AND courant")
    answer = (
        f"dsync precheck answer {number} administration --result conforme --reason décret "
        "&& dsync sync"
    )
    done(machine(answer))
    done(machine(page("backup.md", "restore sqlite"), BACKUP=f"/var/backups/dsync/{backup.name}"))
    conflicts = "SELECT count(*) FROM outbox WHERE courante AND statut = 'conflit'"
    assert "humans wrote were kept" in machine(page("backup.md", "after a restore")).text
    assert 0 < count(machine, conflicts)[0]
    # Found as wished where both verdicts are of one minute; else taken over as the page says.
    if machine(answer).code != 0:
        done(machine("dsync accept writer --yes"))
    assert (0,) == count(machine, conflicts)
    assert "Everything fits." in done(machine("dsync db verify --remote")).out


def test_a_new_token_is_taken_up(machine: Machine, served: Sandbox) -> None:
    """From the paste, by the page's lines; the files keep their rights."""
    machine.path("/etc/dsync/ds-token").write_text("revoked\n", encoding="utf-8")
    assert 3 == machine("dsync check").code
    after = done(machine(page("moves.md", "token"), given=f"{served.tokens.write}\n"))
    assert "accepted by DS" in after.out
    assert "2028-06-30" in after.out
    for name in ("ds-token", "environment"):
        found = machine.path(f"/etc/dsync/{name}").stat()
        assert (0, 0o640) == (found.st_uid, stat.S_IMODE(found.st_mode))


def test_another_instructeur_goes_on_with_what_the_former_wrote(
    machine: Machine, served: Sandbox
) -> None:
    """No conflict, and a changed verdict is written in the new one's name."""
    other = next(
        one.email
        for one in served.world.demarches[NUMBER].groupes[0].instructeurs
        if one.email != "dsync@example.gouv.fr"
    )
    script = page("moves.md", "instructeur").replace("equipe@ministere.example", other)
    after = done(machine(script))
    assert other in after.out
    served.control.edit_champ(FIRST_NUMBER, 4303, "")
    done(machine("dsync sync"))
    assert (0,) == count(machine, "SELECT count(*) FROM outbox WHERE statut = 'conflit'")


def test_a_new_revision_is_followed(machine: Machine, served: Sandbox) -> None:
    served.control.form.publish_revision(Change(rename={4303: "Fonction de la personne sponsor"}))
    after = done(machine(page("moves.md", "revision")))
    assert "Fonction de la personne sponsor" in after.out


def test_the_next_call_stands_beside_the_first(machine: Machine) -> None:
    """Another démarche in the same folder and database, read by the page's lines."""
    number = str(EQUIPMENT_FORM.number)
    after = done(machine(page("moves.md", "next call").replace("12346", number)))
    assert number in after.out
    assert (2,) == count(machine, "SELECT count(DISTINCT demarche_numero) FROM dossier")


def test_the_end_leaves_nothing_here_and_says_what_is_left_in_ds(
    machine: Machine, served: Sandbox
) -> None:
    """Archive, annotations and labels removed, data erased, and the proof."""
    # Another démarche stays.
    number = str(EQUIPMENT_FORM.number)
    done(machine(page("moves.md", "next call").replace("12346", number)))
    words = {"NUMBER": str(NUMBER)}
    done(machine(page("decommissioning.md", "archive"), **words))
    archive = machine.path("/srv/dsync-archive")
    assert {"regles.md", "runs.json", "requests.json", "lecture_dossier.csv"} <= {
        one.name for one in archive.iterdir()
    }
    left = block("decommissioning.md", "left", "sql").replace("12345", str(NUMBER))
    annotations, labels = count(machine, left)
    assert annotations > 0
    assert labels > 0

    file = machine.path(f"/etc/dsync/demarches/{NUMBER}.toml")
    text = file.read_text(encoding="utf-8")
    kept = re.sub(r"^\[annotations.*?(?=^# ----|^\[(?!annotations))", "", text, flags=re.M | re.S)
    file.write_text(kept, encoding="utf-8")
    assert 2 == machine("dsync sync --demarche $NUMBER", **words).code
    done(machine(page("decommissioning.md", "write no more"), **words))
    served.control.form.publish_revision(Change(remove=[RESULTAT, DETAIL, DATE]))
    for name in ("éligible", "à vérifier", "inéligible"):
        served.control.form.remove_label_of_demarche(name)
    machine("dsync sync --full --demarche $NUMBER", **words)
    decided = "SELECT count(*) FROM lecture_dossier WHERE etat IN ('accepte','refuse','sans_suite')"
    annotations, labels = count(machine, left)
    assert 0 == labels
    assert annotations <= 3 * count(machine, f"{decided} AND demarche_numero = {NUMBER}")[0]

    done(machine(f"systemctl() {{ :; }}\n{page('decommissioning.md', 'stop')}", **words))
    done(machine(page("decommissioning.md", "erase"), **words))
    first, *refused = page("decommissioning.md", "proof").split("\n")
    assert "Everything fits." in done(machine(first, **words)).out
    for line in refused:
        assert "The database has no démarche" in done(machine(line, **words), 2).err
    for table in ("dossier", "evenement", "verdict", "outbox", "sync_run"):
        assert (0,) == count(
            machine, f"SELECT count(*) FROM {table} WHERE demarche_numero = {NUMBER}"
        )
