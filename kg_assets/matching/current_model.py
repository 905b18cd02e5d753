"""The trained model of a type as it is read: there, of this declaration, and of these scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kg_assets.matching.tables import match_model, match_scores, term_frequencies
from resources.entries import digest
from resources.errors import LakeError

if TYPE_CHECKING:
    from kg_assets.matching.model import MatchSpec
    from resources.lake import Lake, Step


class MissingModelError(LakeError):
    """A trained model is needed and there is none."""


class OutdatedModelError(LakeError):
    """The trained model is not of the version of its declaration, or not that of the scores."""


def current_model(step: Step, spec: MatchSpec) -> dict[str, Any]:
    """The row of the table match_model.

    Args:
        step: The step that reads it.
        spec: The type's match model.

    Raises:
        MissingModelError: There is none.
        OutdatedModelError: It was made from another version of the specification, whose
            comparisons and features may be others.
    """
    found = model_if_any(step, spec)
    if found is None:
        name = match_model(spec.entity_type).name
        raise MissingModelError(
            f"{step.name}: {name} is empty, so records of the type {spec.entity_type} cannot be "
            f"compared; materialise {name}, or run: kg build --types {spec.entity_type}"
        )
    return found


def model_if_any(step: Step, spec: MatchSpec) -> dict[str, Any] | None:
    """The same, or None where there is no model.

    Raises:
        OutdatedModelError: It was made from another version of the specification.
    """
    table = match_model(spec.entity_type)
    rows: list[dict[str, Any]] = step.read(table).to_arrow_table().to_pylist()
    if not rows:
        return None
    _check_declaration(step.name, spec, rows[0])
    return rows[0]


def check_scored_by(lake: Lake, spec: MatchSpec, row: dict[str, Any]) -> None:
    """Make sure that a model is the one by which the scores that are there were made.

    A model that was trained again, or whose file was edited, weighs otherwise than the scores say
    until they are made again.

    Args:
        lake: The lake.
        spec: The type's match model.
        row: The row of the table match_model that is about to explain scores.

    Raises:
        OutdatedModelError: The model or its term frequencies are others than those of a score, or
            the model is not of this version of the specification.
    """
    scores, model = match_scores(spec.entity_type), match_model(spec.entity_type)
    _check_declaration("the scores cannot be explained", spec, row)
    read = {table.name: lake.heads(table) for table in (model, term_frequencies(spec.entity_type))}
    for partition, head in sorted(lake.heads(scores).items()):
        others = {
            one.table
            for one in head.inputs
            if one.table in read and one.digest != (digest(read[one.table], one.partition) or "")
        }
        if others:
            raise OutdatedModelError(
                f"the scores cannot be explained: {scores.name}, partition {partition}, was made "
                f"by another version of {' and '.join(sorted(others))} than is there now "
                f"({row['version']}), which may weigh otherwise; make the scores again: "
                f"kg build --types {spec.entity_type}"
            )


def _check_declaration(place: str, spec: MatchSpec, row: dict[str, Any]) -> None:
    if not row["version"].startswith(f"{spec.version}-"):
        name = match_model(spec.entity_type).name
        raise OutdatedModelError(
            f"{place}: {name} is of version {row['version']}, and its model file is now of "
            f"version {spec.version}; materialise {name} and then the scores again, or run: "
            f"kg build --types {spec.entity_type}"
        )
