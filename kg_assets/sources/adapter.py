"""What a source's adapter declares: the rows it reads and the SQL that makes its records."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Literal

import pyarrow as pa

from kg_assets.sources.fields import together
from kg_assets.sources.record import POSITION_FIELDS, RECORD_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kg_assets.sources.expectations import Expectation

POSITION_COLUMNS = tuple(position.name for position in POSITION_FIELDS)
"""Columns that tell where a blob lies; every row carries them."""

GIVEN_COLUMNS = (*POSITION_COLUMNS, "row_number")
"""Columns that the view of an input has beside its fields."""

BLOBS = "blobs"
"""Name of the one input of an adapter that declares none."""

Cut = Literal["suffix", "lines", "unquoted"]
"""How a file is cut into blobs: as its suffix says; a JSON object a line, whatever its suffix; or
tab separated values in which a quote is a character like others and ``\\N`` is null."""


@dataclass(frozen=True)
class Input:
    """Files of a delivery that hold rows of one kind.

    Attributes:
        name: Name of the view that the adapter's SQL reads.
        files: Patterns of file names as of `fnmatch`, in lower case. Of several inputs whose
            patterns fit a file the first reads it.
        fields: What is read of a row, with its type.
        cut: How these files are cut into blobs.
        key: Field by which the rows of several inputs belong together; none where a row is read
            by itself.
        adds_to: Name of the input whose records these rows add to, by equal keys. Such a row
            makes no record. Where no row of that input has its key, it is quarantined; where the
            delivery has no file of that input, all rows are counted as skipped.
        holds_record: SQL condition over the fields that tells which rows hold a record. Rows for
            which it is not true are counted as skipped, and the SELECT gives none for them; joins
            may read them. All rows hold one where it is empty.
        kind: SQL over the fields for the kind of a row, null where it is of none; empty where all
            rows are of one kind.
        kinds: What is read of a row of each kind; ``fields`` are those of all kinds together.
        apart: Fields that the SELECT reads out of the raw blobs, those whose names are data: a
            regular expression of the whole name, and what is read of such a field.
        empties: Names of objects that the source writes as ``[]`` where they are empty.
        only_deletes: Whether the rows name what a delivery of the mode ``delete`` removes; in
            other deliveries they are counted as skipped.
    """

    name: str
    files: tuple[str, ...]
    fields: pa.Schema
    cut: Cut = "suffix"
    key: str | None = None
    adds_to: str | None = None
    only_deletes: bool = False
    holds_record: str = ""
    empties: tuple[str, ...] = ()
    kind: str = ""
    kinds: Mapping[str, pa.Schema] = field(default_factory=dict)
    apart: Mapping[str, pa.DataType] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if bool(self.kind) != bool(self.kinds):
            raise ValueError(f"input {self.name}: kind and kinds need each other")
        if self.kinds and not self.fields.equals(together(self.kinds.values())):
            raise ValueError(f"input {self.name}: fields are not those of its kinds together")


@dataclass(frozen=True)
class Join:
    """Rows that are made of several inputs before records are.

    Attributes:
        name: Name of the view that the SQL after it reads.
        select: A SELECT over the views of the inputs and of the joins before.
        key: Column by which its rows belong to the rows of inputs with that key.
    """

    name: str
    select: str
    key: str


@dataclass(frozen=True)
class Rhythm:
    """When a source delivers.

    Attributes:
        days: Days within which its next delivery is expected, None where none is.
        reason: Why, for people.
    """

    days: float | None
    reason: str

    def __post_init__(self) -> None:
        if self.days is not None and self.days <= 0:
            raise ValueError(f"a source delivers after some time, not after {self.days} days")


@dataclass(frozen=True)
class Adapter:
    """How the blobs of one source become canonical records.

    Attributes:
        source: Name of the source, the folder in the landing zone.
        title: What the source is, for people.
        licence: Licence of its data, as an SPDX identifier where there is one.
        homepage: Where the data comes from.
        fields: What is read of a blob, with its type; other fields are ignored. A value that
            does not fit its type makes the blob a quarantined one. Empty where there are inputs.
        select: A SQL SELECT over the view ``blobs``, one row for each of its rows. The view has
            the columns file, table, position, sha256, row_number (1-based place among the rows
            of its file and table) and the fields. The SELECT gives these columns of the canonical
            record that it knows (others are null), the four columns of the place, and may give
            ``problem``: null, or why this blob can be no record. A blob may give several rows,
            which a column ``item`` numbers. It may use the macros of `kg_assets.sources.names`.
            Countries and languages may be names or codes.
        inputs: The kinds of rows, where files hold different ones; the SELECT reads a view of
            each, empty where the delivery has no such file.
        joins: What is joined of them first, in order. Each is written to disk; then the SELECT
            runs over one part of the keys after another, so that lists that it gathers by a key
            stay small.
        ignores: Patterns of files that hold no records; their blobs are counted as skipped.
        tables: Tables of a database file that hold records, or null for every file and table.
            Blobs of other tables are counted as skipped.
        duplicate_free: For each entity type, whether no two records of the source are the same
            thing; a type that is absent is not known to be.
        rank: Whose value a golden record takes where sources differ: the lowest rank wins.
        expects: For each entity type, how many records and filled fields a delivery has.
        rhythm: When the source delivers; delivery.json and KG_EXPECTED_EVERY_DAYS outrank it.
    """

    source: str
    title: str
    licence: str
    homepage: str
    fields: pa.Schema
    select: str
    inputs: tuple[Input, ...] = ()
    joins: tuple[Join, ...] = ()
    ignores: tuple[str, ...] = ()
    tables: tuple[str, ...] | None = None
    duplicate_free: Mapping[str, bool] = field(default_factory=dict)
    rank: int = 100
    expects: Mapping[str, Expectation] = field(default_factory=dict)
    rhythm: Rhythm = Rhythm(None, "its adapter does not say when the source delivers")

    def __post_init__(self) -> None:
        if self.inputs and len(self.fields):
            raise ValueError(f"adapter {self.source}: where there are inputs they have the fields")
        names = [each.name for each in self.all_inputs] + [each.name for each in self.joins]
        if len(set(names)) < len(names):
            raise ValueError(f"adapter {self.source}: of {names} two have one name")
        for each in self.all_inputs:
            taken = set(each.fields.names) & set(GIVEN_COLUMNS)
            if taken:
                raise ValueError(
                    f"adapter {self.source}: the fields {sorted(taken)} have the name of a column "
                    f"that every blob has; DuckDB would not know which one is meant"
                )
            if each.key is not None and each.key not in each.fields.names:
                raise ValueError(f"adapter {self.source}: {each.name} has no field {each.key}")
            if each.adds_to is not None and (
                each.key is None or self.input(each.adds_to).key is None
            ):
                raise ValueError(
                    f"adapter {self.source}: {each.name} adds to {each.adds_to}, so both need a key"
                )

    @property
    def all_inputs(self) -> tuple[Input, ...]:
        """The inputs; where none is declared, the one of all files."""
        return self.inputs or (Input(BLOBS, ("*",), self.fields),)

    def input(self, name: str) -> Input:
        """The input of a name.

        Raises:
            ValueError: There is none.
        """
        for each in self.all_inputs:
            if each.name == name:
                return each
        raise ValueError(f"adapter {self.source}: there is no input {name}")

    def input_of(self, file: str) -> Input | None:
        """The input that reads a file, None where none does."""
        if self.is_ignored(file):
            return None
        return next((each for each in self.all_inputs if fits(file, each.files)), None)

    def is_ignored(self, file: str) -> bool:
        """Whether a file is known to hold no records."""
        return fits(file, self.ignores)


def fits(file: str, patterns: tuple[str, ...]) -> bool:
    """Whether a file's name fits one of the patterns, whatever its case."""
    return any(fnmatchcase(file.lower(), pattern) for pattern in patterns)


CANONICAL_COLUMNS = tuple(name for name in RECORD_SCHEMA.names if name != "source")
"""Columns that an adapter may give; the source is the folder's name, not the file's word."""
