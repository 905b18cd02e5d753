"""What a source's deliveries are expected to hold: bounds of counts and of filled fields."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pydantic import BaseModel, ConfigDict, Field

FEW = 1_000
"""Records of a type below which the share of filled fields says nothing of a partial delivery."""


@dataclass(frozen=True)
class Bound:
    """A figure's limits, each of which may be null.

    Attributes:
        least: Below this the delivery is broken; it is not committed.
        usual: Below this it is unusual; a warning says so.
        most: Above this it is unusual; a warning says so.
    """

    least: float | None = None
    usual: float | None = None
    most: float | None = None

    def __post_init__(self) -> None:
        known = [value for value in (self.least, self.usual, self.most) if value is not None]
        if known != sorted(known):
            raise ValueError(f"{self}: least, usual and most must ascend")


@dataclass(frozen=True)
class Fill:
    """The share of a type's records that have a value in a field.

    Attributes:
        field: Column of the canonical record; an empty list is no value.
        share: Limits of the share, 0 to 1; the upper one holds where all records of the source are
            delivered, and tells what stands in where nothing is known.
        inputs: Inputs of the adapter without which the field cannot be filled: the limits hold
            only where the delivery has files of all of them.
    """

    field: str
    share: Bound
    inputs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Expectation:
    """What is expected of the records of one entity type.

    Attributes:
        records: Limits of their number in a full delivery.
        filled: Limits of the share of records in which a field has a value.
        inputs: Inputs of the adapter that hold these records: their number has limits only where
            the delivery has files of all of them.
        whole: Patterns of file names, as of `fnmatch` in lower case, by which the source says that
            a file holds all there is: the number has limits only where the delivery has one. Empty
            where every full delivery is the whole source.
    """

    records: Bound = Bound()
    filled: tuple[Fill, ...] = ()
    inputs: tuple[str, ...] = ()
    whole: tuple[str, ...] = ()


class BoundWords(BaseModel):
    """A bound as ``delivery.json`` writes it; what it gives takes the place of the adapter's."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    least: float | None = Field(default=None, ge=0)
    usual: float | None = Field(default=None, ge=0)
    most: float | None = Field(default=None, ge=0)

    def bound(self) -> Bound:
        """The bound."""
        return Bound(self.least, self.usual, self.most)


class ExpectationWords(BaseModel):
    """An expectation as ``delivery.json`` writes it."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    records: BoundWords | None = None
    filled: dict[str, BoundWords] = {}


def overridden(
    expected: dict[str, Expectation], words: dict[str, ExpectationWords] | bool | None
) -> dict[str, Expectation]:
    """What is expected of a delivery that may have words of its own about it.

    Args:
        expected: What the adapter expects, by entity type.
        words: What ``delivery.json`` says: null for nothing, false to expect nothing, or by
            entity type what replaces the adapter's bound of a figure.
    """
    if words is False:
        return {}
    if words is None or words is True:
        return expected
    found = dict(expected)
    for entity_type, word in words.items():
        before = found.get(entity_type, Expectation())
        kept = tuple(fill for fill in before.filled if fill.field not in word.filled)
        own = tuple(Fill(name, bound.bound()) for name, bound in sorted(word.filled.items()))
        found[entity_type] = (
            replace(before, filled=(*kept, *own))
            if word.records is None
            # Who says himself how many there are means this delivery, whatever its files.
            else Expectation(word.records.bound(), (*kept, *own))
        )
    return found
