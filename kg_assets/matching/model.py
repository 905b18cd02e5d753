"""What a match model declares: features, blocking rules, comparisons, vetoes; plain data."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterable

HIDDEN_COLUMNS = ("external_ids", "url")
"""Columns of the canonical record that no feature can see: they hold the labels. Ids of systems
that the configuration allows are seen in a column of their own."""

ALLOWED_IDS = "allowed_ids"
"""Column that features see where a model has shared ids: ``system:id`` of each that may be used."""

WORKS = "works"
"""Context: the works that credit a person (see `kg_assets.matching.context`)."""

PARENT = "parent"
"""Context: the entity of the series, franchise or collection that a record is part of."""


TEXTS = pa.list_(pa.string())
"""Type of a feature that is a list of texts."""


@dataclass(frozen=True)
class Feature:
    """A column that is computed once for each record.

    Attributes:
        name: Name of the column.
        sql: Expression over the canonical columns (but `HIDDEN_COLUMNS`), the columns of the
            model's context and the features above it.
        kind: Arrow type of the column.
        of: The one column that it is computed from, where many records share its values: then it
            is computed once for each value. It can name such features above it.
    """

    name: str
    sql: str
    kind: pa.DataType
    of: str | None = None


@dataclass(frozen=True)
class BlockingRule:
    """Records that share a key are candidates for each other.

    Attributes:
        name: Name of the rule, kept with each pair that it makes.
        keys: Expression over the columns of a record, giving VARCHAR[].
        refine: Expression giving VARCHAR[]: a block over the cap is cut into those of its records
            that also share one of these.
        across_sources: Whether the rule makes no pairs inside a source.
        orders: Expressions giving VARCHAR: the records of a block over the cap are joined within
            narrow windows over each of these orders too, so that two records of one thing meet
            which the refining keys part.
    """

    name: str
    keys: str
    refine: str
    across_sources: bool = False
    orders: tuple[str, ...] = ()


@dataclass(frozen=True)
class Level:
    """One degree of agreement.

    Attributes:
        label: What it means, for people.
        condition: Condition over ``<column>_l`` and ``<column>_r``; the first level that holds
            counts. The last level of a comparison has the condition ``ELSE``.
        m: Prior probability of the level among matching pairs; training adjusts it.
        u: Prior probability of the level among pairs that do not match; training replaces it.
        term_frequency: Column whose frequent values weigh less at this level.
        term_weight: How much of the term-frequency adjustment counts, 0 to 1.
    """

    label: str
    condition: str
    m: float
    u: float
    term_frequency: str | None = None
    term_weight: float = 1.0


@dataclass(frozen=True)
class Comparison:
    """What is compared, from full agreement down to disagreement.

    Attributes:
        name: What is compared.
        missing: Condition under which there is nothing to compare and no weight either way.
        levels: Degrees of agreement, best first, the last with the condition ``ELSE``.
        train: Which of the probabilities training may change: some of ``"m"`` and ``"u"``.
        similarity: An expensive expression used by several levels. It is also put into the
            condition of the missing level, which makes DuckDB compute it once for each pair.
    """

    name: str
    missing: str
    levels: tuple[Level, ...]
    train: str = "mu"
    similarity: str | None = None

    def __post_init__(self) -> None:
        if self.levels[-1].condition != "ELSE":
            raise ValueError(f"comparison {self.name}: the last level must be ELSE")
        if any(level.condition == "ELSE" for level in self.levels[:-1]):
            raise ValueError(f"comparison {self.name}: only the last level can be ELSE")


@dataclass(frozen=True)
class Veto:
    """Evidence against a match that no score may overrule.

    Attributes:
        name: Name of the veto, kept with the pair.
        condition: Condition over the records ``l`` and ``r``.
        text: What it says, for people.
    """

    name: str
    condition: str
    text: str


@dataclass(frozen=True)
class TermFrequency:
    """How common the values of a column are.

    Attributes:
        column: The column, a VARCHAR feature.
        distinct: Expression for what is counted: values are counted over distinct results of it
            and not over records, so that a thing with many records is no common one.
        terms: Expression that splits ``value`` into VARCHAR[] terms; the frequency of a value is
            then the product of its terms' frequencies. None: the value is its own term.
        floor: A frequency below this many in the number counted is raised to it.
        population: How many distinct things there are at least, in the world: of a few records
            each value would seem to be common.
    """

    column: str
    distinct: str
    terms: str | None = None
    floor: float = 1.0
    population: int = 10_000


@dataclass(frozen=True)
class Telling:
    """A list of names, or of hashes of them, of which each tells the more the fewer things have it.

    Attributes:
        column: The column, a UBIGINT[] feature. Conditions call ``telling`` of both of its sides
            (see `kg_assets.matching.telling`).
        distinct: Expression for what is counted, a thing: a name is counted once for each.
    """

    column: str
    distinct: str


@dataclass(frozen=True)
class MatchSpec:
    """The match model of one entity type.

    Attributes:
        entity_type: The type.
        features: Columns computed for each record, in order.
        blocking: Blocking rules; the first that holds makes the pair.
        comparisons: What is compared.
        vetoes: Vetoes; the first that holds is named.
        term_frequencies: Columns with term frequencies.
        telling: Lists whose elements weigh by how few things have them.
        training_rules: Conditions over ``l`` and ``r`` under which pairs are made for expectation
            maximisation. Comparisons of columns that a rule names are not trained by it.
        prior: Probability that two records drawn at random match.
        threshold: Match probability from which a pair is an edge.
        duplicate_free: Whether sources can be free of duplicates of this type, so that a source
            that is declared so needs no pairs inside itself.
        contexts: `WORKS` and `PARENT`, as far as the features need them.
        depends_on: Entity types that are resolved before.
        shards: Into how many shards pairs are cut.
        block_cap: Largest number of records in a block.
        scorer: Name of the scorer that makes the match weights (`kg_assets.matching.scorers`).
        shadow: Name of a second scorer that is compared with it and decides nothing; None: none.
        shared_ids: Systems of external ids that features may see (`models.shared_ids`).
        revision: Raised when the meaning of the declarations changes but not their text.
    """

    entity_type: str
    features: tuple[Feature, ...]
    blocking: tuple[BlockingRule, ...]
    comparisons: tuple[Comparison, ...]
    vetoes: tuple[Veto, ...] = ()
    term_frequencies: tuple[TermFrequency, ...] = ()
    telling: tuple[Telling, ...] = ()
    training_rules: tuple[str, ...] = ()
    prior: float = 1e-4
    threshold: float = 0.9
    duplicate_free: bool = True
    contexts: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    shards: int = 1
    block_cap: int = 500
    scorer: str = "compiled"
    shadow: str | None = None
    shared_ids: tuple[str, ...] = ()
    revision: int = 1
    # Of no meaning for equality: computed from the rest.
    version: str = field(init=False, compare=False, default="")

    def __post_init__(self) -> None:
        names = [feature.name for feature in self.features]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise ValueError(f"model {self.entity_type}: features declared twice: {doubled}")
        if not 0 < self.prior < 1 or not 0 < self.threshold < 1:
            raise ValueError(f"model {self.entity_type}: prior and threshold lie between 0 and 1")
        self._check_telling()
        object.__setattr__(self, "version", fingerprint(self))

    def _check_telling(self) -> None:
        """Refuse conditions that would take the low bits of raw hashes for what names tell."""
        declared = {one.column for one in self.telling}
        for one in self.comparisons:
            conditions = (
                one.missing,
                one.similarity or "",
                *(each.condition for each in one.levels),
            )
            asked = {
                column
                for condition in conditions
                for arguments in re.findall(r"\btelling\(([^()]*)\)", condition)
                for column in re.findall(r"\b(\w+)_[lr]\b", arguments)
            }
            if unknown := sorted(asked - declared):
                raise ValueError(
                    f"model {self.entity_type}: {', '.join(unknown)} are asked what they tell by "
                    f"the comparison {one.name} and not declared: name them in `telling`"
                )
        # Only what is compared holds what names tell (`kg_assets.matching.telling.tell`).
        for veto in self.vetoes:
            if re.search(r"\btelling\(", veto.condition):
                raise ValueError(
                    f"model {self.entity_type}: the veto {veto.name} asks what names tell, which "
                    "records do not hold: use `shared` or `list_has_any`"
                )

    @property
    def reads(self) -> frozenset[str] | None:
        """Types of the records that its records are made from; None for those of every type.

        Whom a work credits is told by records of works of whatever type. A parent is known by the
        members of its type, not by its records.
        """
        return None if WORKS in self.contexts else frozenset((self.entity_type,))

    def feature_fields(self) -> Iterable[pa.Field]:
        """The Arrow fields of the features."""
        return (pa.field(feature.name, feature.kind) for feature in self.features)


def fingerprint(spec: MatchSpec) -> str:
    """Version of a specification: twelve hexadecimal digits of a hash of all that it declares."""
    declared = asdict(spec)
    # How the work is cut changes no result, and a model serves each scorer.
    for name in ("version", "shards", "scorer", "shadow"):
        declared.pop(name)
    for name in ("shared_ids", "telling"):
        if not declared[name]:
            declared.pop(name)
    text = json.dumps(declared, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
