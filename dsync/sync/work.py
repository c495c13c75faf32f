"""What runs do: a type for each kind of work; a request for it, its row in `demande`, its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

import msgspec
from msgspec import Meta, Struct

from dsync.domain.consent import Consent
from dsync.domain.ids import DossierNumber
from dsync.errors import ConfigurationError, DsyncError
from dsync.messages import kinds as k
from dsync.store.codes import Kind, Status
from dsync.store.requests import WEBHOOK

if TYPE_CHECKING:
    from dsync.store.requests import ManualRequest, RequestWrites
    from dsync.sync.report import RunReport

AUTOMATIC = {"service", WEBHOOK}
"""What `asked_by` says of runs that no person asked for."""
_TAG = "work"
_Some = Annotated[tuple[DossierNumber, ...], Meta(min_length=1)]
"""Not none, which could be taken for all."""
_One = Annotated[tuple[DossierNumber, ...], Meta(min_length=1, max_length=1)]


class _Work(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, tag_field=_TAG):
    """Some work; its tag is its genre and, where several types have it, the option that tells."""

    @property
    def kind(self) -> Kind:
        """The kind of its run in the journal."""
        return Kind(str(self.__struct_config__.tag).partition(" ")[0])


class _Read(_Work, frozen=True, kw_only=True):
    """A run that reads dossiers, judges them, and writes the results back."""

    push: bool = True
    """Whether the wishes are sent; if not, they stay in the outbox."""


class ReadChanges(_Read, frozen=True, tag="incremental"):
    """Read what has changed since the last read."""

    since: datetime | None = None
    """Read what has changed since then, and leave the watermark where it is."""
    deletions: bool = True
    """Whether both lists of deletions are read, however many dossiers there are."""


class ReadAll(_Read, frozen=True, tag="complet full"):
    """Read every dossier, and look for those that disappeared."""

    accept_deletions: bool = False
    """Whether the safety brake on disappeared dossiers is off."""


class ReadDossiers(_Read, frozen=True, tag="dossier"):
    """Read some dossiers, and leave the watermark where it is."""

    dossiers: _Some
    sent: bool = False
    """Whether a person says to have written to their usagers: it is stored unless DS shows it."""
    aside: bool = False
    """Whether a person says that what their usagers answered needs no answer."""
    shown: Mapping[DossierNumber, datetime] | None = None
    """With `aside`, the last sign of each usager that the person was shown: a later one stays."""


class Push(_Work, frozen=True, tag="envoi"):
    """Send every wish, those included that DS refused or that were postponed."""

    dossiers: tuple[DossierNumber, ...] = ()
    """Empty: all."""


class Overwrite(_Work, frozen=True, tag="envoi force"):
    """Send the wishes of some dossiers over what humans wrote there."""

    dossiers: _Some
    shown: Mapping[DossierNumber, Mapping[str, str]] | None = None
    """The values that the user was shown, by annotation: only these are overwritten. None: any."""


class Precheck(_Work, frozen=True, tag="precontrole"):
    """Judge dossiers by the present rules, with the product evidence that they have."""

    dossiers: tuple[DossierNumber, ...] = ()
    """Empty: all open ones."""


class RefreshEvidence(_Work, frozen=True, tag="precontrole refresh"):
    """Judge dossiers with the present product evidence, which replaces theirs."""

    dossiers: _Some


class PrecheckAsOf(_Work, frozen=True, tag="precontrole as_of"):
    """Judge as if the dossiers had been deposited on a day. Only tried: no request is for it."""

    as_of: date
    judging: Precheck | RefreshEvidence


class AnswerCheck(_Work, frozen=True, tag="precontrole answer"):
    """Store what a person established about a check of dossiers, and judge them.

    Of several, one in which that is not possible any more is left out.
    """

    dossiers: _Some
    controle: str
    resultat: Literal["conforme", "non_conforme"]
    motif: str
    """The reason; the journal does not keep it."""
    shown: Mapping[DossierNumber, str] | None = None
    """Digests of what the person was shown of the check: only on this the answer may rest."""
    produit: str | None = None
    """The id of the product that the person says the dossier is about."""


class WithdrawAnswer(_Work, frozen=True, tag="precontrole unanswer"):
    """Withdraw the answer to a check of a dossier, and judge it."""

    dossiers: _One
    controle: str


class AcceptEvidence(_Work, frozen=True, tag="precontrole accept_evidence"):
    """Accept the evidence that a safety brake stopped, and judge what is due."""


class Accept(_Work, frozen=True, tag="accord"):
    """Consent to what a run proposed, and do it."""

    genre: Consent
    """The kind of consent."""
    accord: str
    """The version that the person was shown."""


class Erase(_Work, frozen=True, tag="effacement"):
    """Erase dossiers from the copy."""

    dossiers: _Some


class LiftErasure(_Work, frozen=True, tag="effacement undo"):
    """Let the next read copy erased dossiers again."""

    dossiers: _Some


class Purge(_Work, frozen=True, tag="effacement before"):
    """Erase what is too old."""

    before: Mapping[str, datetime]
    """By rule of `[retention]`, before which instant what it is about has to lie."""


class CopyPieces(_Work, frozen=True, tag="pieces"):
    """Copy every file that has no copy yet."""

    dossiers: tuple[DossierNumber, ...] = ()
    """Empty: all."""


Read = ReadChanges | ReadAll | ReadDossiers
Judging = Precheck | RefreshEvidence
Answering = AnswerCheck | WithdrawAnswer
Erasure = Erase | LiftErasure | Purge
Work = (
    Read
    | Push
    | Overwrite
    | Precheck
    | RefreshEvidence
    | Answering
    | AcceptEvidence
    | Accept
    | Erasure
    | CopyPieces
)
"""What can be asked for."""
Attempted = Work | PrecheckAsOf
"""What can be done by a dry run."""
AskingNothing = Erasure | Judging | PrecheckAsOf | Answering | AcceptEvidence
"""What sends DS no request: it needs neither a token nor an answer of DS."""
_TAGS = {one.__struct_config__.tag for one in get_args(Work)}


def to_row(work: Work) -> tuple[str, dict[str, Any]]:
    """Return the genre of a request and its options, as far as they are not the default."""
    document = msgspec.to_builtins(work, str_keys=True)
    genre, _, mark = document.pop(_TAG).partition(" ")
    return genre, ({mark: True} if mark else {}) | document


def of_row(genre: str, options: Mapping[str, Any]) -> Work:
    """Return the work of a request.

    Raises:
        ConfigurationError: `to_row` of this version did not make it.
    """
    tag = next((full for name in options if (full := f"{genre} {name}") in _TAGS), genre)
    # A mark is « true », or the value of a field.
    fields = {n: v for n, v in options.items() if v is not True or f"{genre} {n}" != tag}
    try:
        work: Work = msgspec.convert({**fields, _TAG: tag}, Work, str_keys=True)
    except msgspec.ValidationError as exc:
        raise ConfigurationError(k.Noted(k.Note.ANOTHER_VERSION)) from exc
    return work


@dataclass(frozen=True, slots=True)
class Request:
    """Some work, with who asked for it."""

    work: Work
    asked_by: str = "cli"
    id: int | None = None
    """Of the row that waits for it; None: it gets one at its end, if a person asked for it."""
    wait_s: float = 0
    """How long to wait for a lease that another process holds, in seconds."""
    announced: tuple[int, ...] = ()
    """The rows of what webhooks announced, which one run answers together."""

    @classmethod
    def stored(cls, row: ManualRequest) -> Request:
        """Return what a row asks for; raises as `of_row`."""
        return cls(of_row(row.genre, row.options), row.demande_par, row.id)

    @classmethod
    def of_webhooks(cls, rows: Sequence[ManualRequest]) -> Request:
        """Return the read of what webhooks announced."""
        numbers = dict.fromkeys(number for row in rows for number in row.options["dossiers"])
        ids = tuple(row.id for row in rows)
        return cls(ReadDossiers(tuple(numbers)), WEBHOOK, announced=ids)

    @property
    def rows(self) -> tuple[int, ...]:
        """The rows that wait for it."""
        return self.announced if self.id is None else (self.id,)

    @property
    def copies_pieces(self) -> bool:
        """Whether new files are copied after a read: after those of a service, or in its place."""
        return self.id is not None or self.asked_by in AUTOMATIC


def error_of(crash: BaseException) -> DsyncError:
    """Return a failure as an error; another exception is a bug of dsync."""
    return crash if isinstance(crash, DsyncError) else DsyncError(k.Crashed(type(crash).__name__))


def finish(requests: RequestWrites, request: Request, report: RunReport) -> None:
    """Store the result of a request, unless it has one; whoever executed it."""
    if request.announced:
        # After a failure they stay, for the next attempt.
        if report.status is not Status.FAILED:
            requests.forget(request.announced)
        return
    genre, options = to_row(request.work)
    # The journal keeps no contents of dossiers.
    for name in ("shown", "motif"):
        options.pop(name, None)
    now, code = report.ended_at or report.started_at, report.exit_code
    result = {**report.to_json(), "dits": k.to_stored(report.said)}
    if request.id is not None:
        requests.finish(request.id, options=options, code=code, result=result, now=now)
    elif request.asked_by not in AUTOMATIC:
        requests.record(
            genre,
            options,
            request.asked_by,
            since=report.started_at,
            now=now,
            run=report.run,
            code=code,
            result=result,
        )
