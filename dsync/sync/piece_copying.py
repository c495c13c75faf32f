"""Copies the files of dossiers into the target, and deletes the copies that must not stay.

A file's row is written before the file, so that whatever a killed process left is known: a file
that was begun is copied again, and one that has to go is deleted before its row.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta

import structlog

from dsync.domain.ids import DossierNumber
from dsync.domain.pieces import CopyState, Piece, PieceKey, RemoteFile, md5_of, path_of
from dsync.errors import (
    ConfigurationError,
    DSBadDataError,
    DSError,
    DSNotFoundError,
    DSTimeoutError,
    DsyncError,
    PieceError,
    PieceTargetError,
)
from dsync.messages import kinds as k
from dsync.store import Lease, Store
from dsync.sync.context import Run
from dsync.sync.piece_files import (
    Downloads,
    ExpiredAddressError,
    PieceSettings,
    WrongFileError,
    check_marked,
    check_target,
    delete,
    is_intact,
    mark,
    put,
    target_of,
)

log = structlog.get_logger(__name__)

_SERVICE_TIME = timedelta(seconds=30)
"""Time after which the service begins no further file before its next run."""
_DELETED_TOGETHER = 20
"""Few: after a kill, the deletions of one transaction are repeated."""
MAX_FAILURES = 3
"""Failed deletions in one target, after which a run tries no more there."""
_SCANS = {"pending": CopyState.A_ANALYSER, "infected": CopyState.INFECTEE}
_PROBLEMS = (CopyState.TROP_GRANDE, CopyState.NON_CONFORME, CopyState.ECHEC)


def copy_pieces(run: Run, dossiers: Sequence[DossierNumber]) -> None:
    """Copy every file of the dossiers (none: of all) without a copy, also those to be tried later.

    Raises:
        ConfigurationError: copying is off, or its target cannot be used; nothing was done.
        DSError: DS cannot be reached; what was copied stays.
        InterruptedRunError: the run was asked to stop; what was copied stays.
    """
    settings = run.context.pieces
    if settings is None:
        raise ConfigurationError(k.Noted(k.Note.NO_COPYING))
    check_target(settings.target)
    _Copying(run, settings).copy(dossiers, is_patient=True)
    for number in run.absent(dossiers):
        run.problem(k.Numbered(k.NumberNote.NOTHING_TO_COPY, number))


def copy_new_pieces(run: Run) -> None:
    """Copy the files that are due, for a limited time; a failure is a problem of the run."""
    settings = run.context.pieces
    if settings is None:
        return
    try:
        check_target(settings.target)
        _Copying(run, settings).copy((), is_patient=False)
    except (ConfigurationError, DSError) as exc:
        run.problem(exc)


def delete_doomed_pieces(run: Run) -> None:
    """Delete the copies of erased dossiers, and of files that have left their champs.

    Where files are copied, the target has to be there, also when nothing is to be done in it.
    """
    settings = run.context.pieces
    with run.reading() as reader:
        moved = reader.pieces.moved()
        is_used = settings is not None and reader.pieces.has_used(settings.target)
    for some in run.batches(moved):
        with run.transaction() as tx:
            tx.pieces.doom_moved(some)
    try:
        if settings is not None and is_used:
            check_marked(settings.target)
    except (PieceTargetError, ConfigurationError) as exc:
        run.report.target_is_missing = True
        run.problem(exc)
    for problem in delete_doomed(run.context.store, run.lease, run.context.check_stop):
        run.problem(problem)


def delete_doomed(
    store: Store, lease: Lease, check_stop: Callable[[], None]
) -> list[k.Problem | DsyncError]:
    """Delete the copies that have to be deleted; return what prevented some of it.

    Each file is deleted before its row: after a failure or a kill, the next run goes on.
    `check_stop` is called before each batch, and raises when the work is to stop.
    """
    with store.reading(lease.demarche) as reader:
        doomed = reader.pieces.doomed()
    failures: Counter[str] = Counter()
    problems: list[k.Problem | DsyncError] = []
    for target in sorted({target_of(adresse) for _, adresse in doomed}):
        try:
            check_marked(target)
        except (PieceTargetError, ConfigurationError) as exc:
            failures[target] = MAX_FAILURES
            problems.append(exc)
    for start in range(0, len(doomed), _DELETED_TOGETHER):
        check_stop()
        deleted = []
        for id_, adresse in doomed[start : start + _DELETED_TOGETHER]:
            target = target_of(adresse)
            if failures[target] >= MAX_FAILURES:
                continue
            try:
                delete(adresse)
                deleted.append(id_)
            except (PieceTargetError, ConfigurationError) as exc:
                failures[target] += 1
                problems.append(k.CopiesLeft(k.said_by(exc)))
        with store.transaction(lease) as tx:
            tx.pieces.forget(deleted)
    return problems


@dataclass
class _Copying:
    """The copying of one run."""

    run: Run
    settings: PieceSettings
    remote: Mapping[PieceKey, RemoteFile] | None = None
    """The files of the present dossier as DS offers them, once they are read."""

    def copy(self, dossiers: Sequence[DossierNumber], *, is_patient: bool) -> None:
        """Copy what is due; of given dossiers, copies that are not intact are made again.

        If patient, it takes all the time, and all files that are not copied.

        Raises:
            DSError: DS cannot be reached; what was copied stays.
            InterruptedRunError: the run was asked to stop; what was copied stays.
        """
        run, settings = self.run, self.settings
        try:
            self._use_target()
        except PieceTargetError as exc:
            run.problem(exc)
            return
        due = None if is_patient else run.now
        end = None if is_patient else time.monotonic() + _SERVICE_TIME.total_seconds()
        with run.reading() as reader:
            numbers = reader.pieces.dossiers_to_copy(due, dossiers)
        with closing(Downloads(settings, run.context.stop)) as downloads:
            try:
                for number in numbers:
                    with run.reading() as reader:
                        waiting = reader.pieces.to_copy(number, due, again=bool(dossiers))
                    self.remote = None
                    for piece in waiting:
                        run.context.check_stop()
                        if end is not None and time.monotonic() > end:
                            return
                        self._copy(downloads, number, piece)
            except PieceTargetError as exc:
                run.problem(exc)
            finally:
                self._tell(run.report.pieces)

    def _use_target(self) -> None:
        """Mark the target at its first use; afterwards it has to have its mark."""
        run, target = self.run, self.settings.target
        with run.reading() as reader:
            is_used = reader.pieces.has_used(target)
        if is_used:
            check_marked(target)
            return
        mark(target)
        with run.transaction() as tx:
            tx.state.save(pieces_target=target)

    def _copy(self, downloads: Downloads, number: DossierNumber, piece: Piece) -> None:
        """Copy a file, or store why it is not copied.

        Raises:
            PieceTargetError: the target cannot be written; the file is tried again later.
        """
        adresse = f"{self.settings.target}/{path_of(number, piece)}"
        etat = CopyState.ECHEC
        try:
            if piece.is_copied and is_intact(adresse, piece):
                return
            etat = self._attempt(downloads, number, piece, adresse)
        except WrongFileError as exc:
            etat = CopyState.NON_CONFORME
            log.warning("piece_not_copied", dossier_number=number, reason=exc.message)
        except PieceError as exc:
            log.warning("piece_not_copied", dossier_number=number, reason=exc.message)
        except PieceTargetError:
            # The target would fail for the next file, too: `copy` ends there.
            self._end(number, piece, etat, adresse)
            raise
        self._end(number, piece, etat, adresse)

    def _attempt(
        self, downloads: Downloads, number: DossierNumber, piece: Piece, adresse: str
    ) -> CopyState:
        size = piece.fichier.taille
        if size is not None and size > self.settings.max_bytes:
            return CopyState.TROP_GRANDE
        if size is None or md5_of(piece.key.empreinte_md5) is None:
            return CopyState.NON_CONFORME
        # An address expires within the hour, which the files before this one can take: once more
        # with a fresh one.
        for is_last in (False, True):
            remote = self._offered(number, piece.key, anew=is_last)
            if remote is None:
                return CopyState.ABSENTE
            if remote.analyse != "safe":
                return _SCANS.get(remote.analyse, CopyState.A_ANALYSER)
            try:
                with downloads.verified(remote.url, piece) as body:
                    self._save(number, piece, CopyState.EN_COURS, adresse)
                    put(body, adresse)
            except ExpiredAddressError:
                if is_last:
                    raise
            else:
                break
        return CopyState.COPIEE

    def _offered(self, number: DossierNumber, key: PieceKey, *, anew: bool) -> RemoteFile | None:
        """Return a file of the present dossier, None if DS does not list it.

        Raises:
            PieceError: DS cannot render the dossier.
            DSError: DS cannot be reached.
        """
        if self.remote is None or anew:
            try:
                self.remote = self.run.context.client.piece_files(number, self.run.demarche)
            except DSNotFoundError:
                self.remote = {}
            except (DSBadDataError, DSTimeoutError) as exc:
                raise PieceError("DS cannot render the dossier") from exc
        return self.remote.get(key)

    def _end(self, number: DossierNumber, piece: Piece, etat: CopyState, adresse: str) -> None:
        self._save(number, piece, etat, adresse)
        self.run.report.pieces[etat.value] += 1

    def _save(self, number: DossierNumber, piece: Piece, etat: CopyState, adresse: str) -> None:
        with self.run.transaction() as tx:
            tx.pieces.save(number, piece.key, etat, adresse, self.run.now)

    def _tell(self, counts: Counter[str]) -> None:
        """Add the problem of the files that could not be copied."""
        failed = sum(counts[state.value] for state in _PROBLEMS)
        if failed:
            states = tuple(s.value for s in _PROBLEMS if counts[s.value])
            self.run.problem(k.FilesFailed(failed, states))
