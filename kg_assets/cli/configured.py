"""What all commands start from: the settings, or a readable refusal."""

from __future__ import annotations

from typing import Annotated

import typer
from pydantic import ValidationError

from kg_assets.cli.render import fail
from resources.logs import configure
from resources.settings import Settings
from resources.team_settings import PRODUCTION

Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]


def settings() -> Settings:
    """The settings, or a readable refusal."""
    try:
        found = Settings()
        if found.thresholds:
            from kg_assets.matching.frozen import ThresholdsError, check_configured
            from kg_assets.sources.record import ENTITY_TYPES

            try:
                check_configured(found.thresholds, ENTITY_TYPES)
            except ThresholdsError as error:
                fail(f"the configuration is wrong: {error}")
        if found.extractors or found.shadow_extractors:
            from kg_assets.inference.choice import ExtractorsError, check_extractors

            try:
                check_extractors(found)
            except ExtractorsError as error:
                fail(f"the configuration is wrong: {error}")
        if found.policies:
            from kg_assets.inference.policy import PoliciesError, check_policies

            try:
                check_policies(found)
            except PoliciesError as error:
                fail(f"the configuration is wrong: {error}")
        if found.confidence_weights is not None:
            from kg_assets.inference.confidence import WeightsError, read_weights

            try:
                read_weights(found.confidence_weights)
            except WeightsError as error:
                fail(f"the configuration is wrong: KG_CONFIDENCE_WEIGHTS: {error}")
        if found.namespace == PRODUCTION:
            from kg_assets.promotion.publishing import follow

            # Who promoted may have been killed before the published file was there.
            follow(found)
        configure(found)
        return found
    except ValidationError as error:
        problems = "; ".join(
            ": ".join([*_variable(problem["loc"]), problem["msg"]])
            for problem in error.errors(include_input=False)
        )
        fail(f"the configuration is wrong: {problems}")


def _variable(place: tuple[int | str, ...]) -> list[str]:
    """The variable in which something is wrong, and where in its JSON; none for several."""
    if not place:
        return []
    field, *inside = map(str, place)
    # Where a field has several variables its place is the first of them.
    variable = f"KG_{field.upper().removeprefix('KG_')}"
    return [", ".join([variable, ".".join(inside)]) if inside else variable]
