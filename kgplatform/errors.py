"""What can go wrong, as a person is told it: one sentence that says what, where and what to do.

    KgError                    exit code 1: the work failed
    ├── BadRequest             exit code 2: what was asked for cannot be done as asked
    │   ├── BadSetting         a setting has an unusable value
    │   ├── BadCard            a relation card or the kinds file breaks the format
    │   ├── BadFile            a document or a file of facts cannot be read
    │   ├── BadName            a name or id that the graph cannot hold
    │   ├── BadSchedule        a cron line or a time zone that cannot be
    │   ├── JobBusy            the job is in another process's hands, or in no state for this
    │   ├── NotFound           nothing has that name, id or key
    │   ├── Ambiguous          several things have it
    │   ├── BadQuery           the Cypher text is wrong
    │   └── WriteRefused       a query that writes came through the reading door
    ├── StoreError             the graph server
    │   ├── StoreUnreachable   no answer, or it broke off
    │   ├── StoreRefused       wrong password, no permission
    │   ├── StoreUnsuitable    too old, or it holds something else
    │   ├── StoreConflict      other writers won every retry
    │   └── LimitExceeded      a query passed its limit of rows or seconds
    ├── ModelError             a model or its weights
    │   ├── WeightsMissing     not fetched, and not to be had
    │   ├── WeightsCorrupt     fetched, but the hash differs
    │   ├── ModelUnreachable   no answer in time, or it broke off: asking again helps
    │   ├── ModelBusy          too many requests; when to ask again, if it said so
    │   ├── ModelRefused       no key, a wrong one, or no right to this model
    │   ├── AnswerUnusable     an answer that does not fit its schema
    │   ├── TextTooLong        request and answer do not fit the model's context
    │   └── BudgetExceeded     the next request would cost more than is left
    ├── LedgerError            the file of jobs: full disk, no permission, not one, of a newer version
    └── MissingExtra           an optional dependency is not installed

    Halt                       not an error: the job's work ends here, and no step may catch it as its own
    ├── Cancelled              a person asked for it
    ├── LeaseLost              another process has the job now
    └── Stopping               the worker is to end

Vendor exceptions are translated into these at the edge that calls the vendor; the faces print the
message and exit with ``exit_code``.
"""

from __future__ import annotations


class KgError(Exception):
    """The root: ``str(error)`` is a sentence for a person."""

    exit_code = 1


class BadRequest(KgError):
    exit_code = 2


class BadSetting(BadRequest):
    pass


class BadCard(BadRequest):
    pass


class BadFile(BadRequest):
    pass


class BadName(BadRequest):
    pass


class BadSchedule(BadRequest):
    pass


class JobBusy(BadRequest):
    pass


class NotFound(BadRequest):
    pass


class Ambiguous(BadRequest):
    pass


class BadQuery(BadRequest):
    pass


class WriteRefused(BadRequest):
    pass


class StoreError(KgError):
    pass


class StoreUnreachable(StoreError):
    pass


class StoreRefused(StoreError):
    pass


class StoreUnsuitable(StoreError):
    pass


class StoreConflict(StoreError):
    pass


class LimitExceeded(StoreError):
    pass


class ModelError(KgError):
    pass


class WeightsMissing(ModelError):
    pass


class WeightsCorrupt(ModelError):
    pass


class ModelUnreachable(ModelError):
    """``lost`` is False when there surely was no answer; else one may have been made, and billed, and got lost on its way."""

    def __init__(self, sentence: str, lost: bool = True) -> None:
        super().__init__(sentence)
        self.lost = lost


class ModelBusy(ModelError):
    """``after`` is in seconds; ``None`` when the provider did not say."""

    def __init__(self, sentence: str, after: float | None = None) -> None:
        super().__init__(sentence)
        self.after = after


class ModelRefused(ModelError):
    pass


class AnswerUnusable(ModelError):
    """``text`` is what the model said, for the quarantine; it took so many ``tokens``, and so much money where that is known.

    ``reason`` is what is wrong with it, in words without its model and file.
    """

    def __init__(self, sentence: str, text: str = "", tokens: int = 0, usd: float = 0.0, reason: str = "") -> None:
        super().__init__(sentence)
        self.text, self.tokens, self.usd, self.reason = text, tokens, usd, reason or sentence


class TextTooLong(ModelError):
    pass


class BudgetExceeded(ModelError):
    pass


class LedgerError(KgError):
    pass


class MissingExtra(KgError):
    """``MissingExtra("spacy", extra="harvest", need="reading documents")``; a package that is in no extra is named by itself."""

    def __init__(self, package: str, *, extra: str = "", need: str) -> None:
        what = f"'kgplatform[{extra}]'" if extra else package
        super().__init__(f"{need} needs the package {package}, which is not installed: run  pip install {what}")


class Halt(BaseException):
    """Beside ``Exception``, as ``KeyboardInterrupt`` is, so that nothing on the way takes it for a failure of its own."""


class Cancelled(Halt):
    pass


class LeaseLost(Halt):
    pass


class Stopping(Halt):
    pass


def interrupted(error: BaseException) -> bool:
    """Whether it is, or arose while the program was undoing, an interrupt: a driver that is stopped as it reads fails to close."""
    at: BaseException | None = error
    while at is not None and not isinstance(at, KeyboardInterrupt):
        at = at.__cause__ or at.__context__
    return at is not None
