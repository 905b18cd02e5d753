"""What can end a request to the language model, or the whole build, other than an answer.

Libraries between the client and its caller wrap errors; `cause` finds ours among their causes.
"""

from __future__ import annotations


class LanguageModelError(Exception):
    """A request did not lead to an answer that can be used."""


class BuildStopped(LanguageModelError):
    """No further request can be answered in this build. The message says what to do."""


class CapReached(BuildStopped):
    """What the request may cost would pass the cap of the build."""


class KeyDenied(BuildStopped):
    """The endpoint does not accept the key."""


class UnknownPrice(BuildStopped):
    """The price table does not name the model, so nothing can be reserved."""


class ReplayIncomplete(BuildStopped):
    """In the mode `replay` a request was not in the store."""


class NotStored(LanguageModelError):
    """In the mode `only-stored` a request was not in the store: it is not yet tried."""


class Deferred(NotStored):
    """The request was noted, to be counted or sent in a batch, and not sent."""


class Refused(LanguageModelError):
    """The model declined to answer; it is never asked the same again."""


class CutOff(LanguageModelError):
    """The answer reached max_tokens; the same request with a larger limit may succeed."""


def cause(error: BaseException) -> LanguageModelError | None:
    """The error of this module among an error and its causes, or None."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        if isinstance(current, LanguageModelError):
            return current
        seen.add(id(current))
        current = current.__cause__ or current.__context__
    return None
