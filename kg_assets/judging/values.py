"""What all judgements share: errors, times, texts that may be wrong, and what tells one kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

if TYPE_CHECKING:
    import duckdb

    from resources.lake import Lake
    from resources.table import Table

_AHEAD = timedelta(days=1)
"""How far a clock may be ahead; a judgement from the future would outrank all others until then."""

LONGEST: Mapping[str, int] = {"who": 200, "why": 4_000, "id": 64, "undoes": 64}
"""Characters of a value at most; a longer one is no name, reason or id but an accident."""


class JudgementError(ValueError):
    """A judgement cannot be added; the message says which and why."""


class ContradictionError(JudgementError):
    """Judgements contradict each other; the message shows how."""


@dataclass(frozen=True, kw_only=True)
class Said:
    """What every judgement has.

    Attributes:
        entity_type: Type of what is judged; also the partition that holds it.
        who: Who said so.
        why: The reason, may be empty.
        time: When, UTC, ISO 8601 with microseconds; empty: when it is added.
        undoes: Id of the judgement that this takes back.
        id: Hash of the rest; empty: made when it is added.
    """

    entity_type: str
    who: str
    why: str = ""
    time: str = ""
    undoes: str | None = None
    id: str = ""

    about: ClassVar[tuple[str, ...]] = ()
    says: ClassVar[tuple[str, ...]] = ("verdict",)
    hashed: ClassVar[tuple[str, ...]] = ()

    @property
    def thing(self) -> tuple[str | None, ...]:
        """What is judged: of all judgements with the same, the newest stands."""
        return tuple(getattr(self, name) for name in self.about)

    @property
    def answer(self) -> tuple[str | None, ...]:
        """What is said of it."""
        return tuple(getattr(self, name) for name in self.says)

    @property
    def words(self) -> str:
        """What is judged, after "of"."""
        return " and ".join(str(each) for each in self.thing)

    @property
    def sentence(self) -> str:
        """What is said, as a sentence without its full stop."""
        return f"{self.words} {' '.join(str(each) for each in self.answer)}"


J = TypeVar("J", bound=Said)


@dataclass(frozen=True)
class Kind(Generic[J]):
    """A kind of judgements.

    Attributes:
        name: As lines of a file name it.
        table: Where they lie, a partition for each entity type.
        made: The class.
        make: Makes one of values that may be wrong; raises `JudgementError`.
        required: Fields that a line must have.
        refuse: Looks at what would stand of an entity type, and raises `ContradictionError`.
        extra: Fields that a line may have besides those of the class, for `make`.
    """

    name: str
    table: Table
    made: type[J]
    make: Callable[..., J]
    required: tuple[str, ...]
    refuse: Callable[[Lake, duckdb.DuckDBPyConnection, duckdb.DuckDBPyRelation], None]
    extra: tuple[str, ...] = ()

    @property
    def fields(self) -> frozenset[str]:
        """Names of the fields that a line may have."""
        return frozenset((*(each.name for each in fields(self.made)), *self.extra))

    def line(self, one: J) -> dict[str, Any]:
        """A judgement as the fields of a line."""
        return asdict(one)


def checked(one: Said, longest: Mapping[str, int]) -> None:
    """Refuse texts that are too long or no Unicode.

    Args:
        one: A judgement.
        longest: Characters of each field at most, besides those of `LONGEST`.

    Raises:
        JudgementError: One is.
    """
    for name, most in {**longest, **LONGEST}.items():
        value = getattr(one, name) or ""
        if len(value) > most:
            raise JudgementError(f"{name} has {len(value):,} characters, {most:,} are allowed")
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise JudgementError(f"{name} is not Unicode text")


def somebody(who: str) -> str:
    """The name of who judged.

    Raises:
        JudgementError: There is none.
    """
    if not who.strip():
        raise JudgementError("nobody is named who judged: who is empty")
    return who.strip()


def is_record(text: str) -> bool:
    """Whether a text has the form of a record, source:source_id."""
    source, colon, source_id = text.partition(":")
    return bool(source and colon and source_id)


def utc(text: str) -> str:
    """A time as judgements have it; empty stays empty.

    Raises:
        JudgementError: It is no time, has no zone, or is in the future.
    """
    if not text:
        return ""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise JudgementError(f"time {text!r} is not ISO 8601") from None
    if time.tzinfo is None:
        raise JudgementError(f"time {text!r} has no time zone; write Z for UTC")
    try:
        time = time.astimezone(UTC)
    except OverflowError:
        raise JudgementError(f"time {text!r} is out of range") from None
    if time > datetime.now(UTC) + _AHEAD:
        raise JudgementError(f"time {text!r} is in the future")
    return time_text(time)


def time_text(time: datetime) -> str:
    """A time as judgements have it: UTC, ISO 8601 with microseconds."""
    return time.isoformat(timespec="microseconds").replace("+00:00", "Z")
