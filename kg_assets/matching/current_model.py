"""The trained model of a type as a step reads it: there, and of this version of its declaration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kg_assets.matching.tables import match_model

if TYPE_CHECKING:
    from kg_assets.matching.model import MatchSpec
    from resources.lake import Step


class MissingModelError(ValueError):
    """A trained model is needed and there is none."""


class OutdatedModelError(ValueError):
    """The trained model was made from another version of its declaration."""


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
    version = rows[0]["version"]
    if not version.startswith(f"{spec.version}-"):
        raise OutdatedModelError(
            f"{step.name}: {table.name} is of version {version}, and its model file is now of "
            f"version {spec.version}; materialise {table.name} and then the scores again, or run: "
            f"kg build --types {spec.entity_type}"
        )
    return rows[0]
