"""What Tierwise answers when it cannot go on: one sentence, one exit code, never a traceback."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator


class Refusal(Exception):
    """An answer for a person: what was wrong, where, and how to mend it.

    `exit_code` is what the command line ends with; `hint` is the next thing to do.
    """

    exit_code = 1

    def __init__(self, sentence: str, *, hint: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.hint = hint

    def __reduce__(self) -> tuple[object, ...]:  # keyword-only arguments do not survive pickling by default
        return (_revive, (type(self), self.sentence, self.hint))


def _revive(kind: type[Refusal], sentence: str, hint: str) -> Refusal:
    return kind(sentence, hint=hint)


class OurFailure(Refusal):
    """A failure of ours: a door-out check, a dbt test, an exception inside a tool. The old release stays."""

    exit_code = 1


class ConfigurationRefused(Refusal):
    """A configuration or a request that cannot be carried out, with file:line where there is a file."""

    exit_code = 2


class DeliveryRefused(Refusal):
    """A delivery that may not come in. `code` is the reason in the vocabulary of `sources.reasons`."""

    exit_code = 3

    def __init__(self, sentence: str, *, code: str = "", hint: str = "") -> None:
        super().__init__(sentence, hint=hint)
        self.code = code

    def __reduce__(self) -> tuple[object, ...]:
        return (_revive_delivery, (type(self), self.sentence, self.code, self.hint))


def _revive_delivery(kind: type[DeliveryRefused], sentence: str, code: str, hint: str) -> DeliveryRefused:
    return kind(sentence, code=code, hint=hint)


class StillArriving(DeliveryRefused):
    """A delivery that is still being written or cannot be reached just now: trying again later may do."""


class Busy(Refusal):
    """Someone else is at work, or was faster. Try later."""

    exit_code = 75


_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_CLOSED = {errno.EROFS, errno.EACCES, errno.EPERM}
# How DuckDB, SQLite and dbt say it, who hand on no number.
_SAID_OF_FULL = ("No space left on device", "database or disk is full", "max_temp_directory_size", "File too large")
_NO_ROOM_TO_SHARE = "SQLITE_IOERR_SHMSIZE"  # SQLite's name where the file beside its log could not grow
_SAID_OF_CLOSED = (
    "Read-only file system",
    "Permission denied",
    "attempt to write a readonly database",
    "unable to open database file",
)


def want_of_room(problem: BaseException) -> OurFailure | None:
    """The answer where the machine is what failed: a disk that is full, a folder that may not be written."""
    for cause in _causes(problem):
        number, text = getattr(cause, "errno", None), str(cause)
        named = getattr(cause, "sqlite_errorname", None)
        if number in _FULL or named == _NO_ROOM_TO_SHARE or any(said in text for said in _SAID_OF_FULL):
            return OurFailure(
                "The disk is full; the current release stays as it is.",
                hint="make room and run again: what the run left behind is swept then. Old raw deliveries may go, see"
                " `retention` in config/company.yml",
            )
        if number in _CLOSED or any(said in text for said in _SAID_OF_CLOSED):
            where = f" ({cause.filename})" if isinstance(cause, OSError) and cause.filename else ""
            return OurFailure(
                f"A file or folder may not be written{where}; the current release stays as it is.",
                hint="let the user who runs Tierwise write below var/, and run again",
            )
    return None


def _causes(problem: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = problem
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def told_of(problem: Exception | str) -> str:
    """What may be told of a tool's exception: the part about the query, or its kind. Other parts may quote a customer."""
    about = re.search(r"(?:Binder|Catalog|Parser) Error: [^\n]*|column \S+ in BatchData does not exist", str(problem))
    if about:
        return about[0]
    return "" if isinstance(problem, str) else type(problem).__name__
