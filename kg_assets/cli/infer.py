"""`kg infer`: read texts for relations, or say what a language model would cost for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from kg_assets.cli.reading import reading_session
from kg_assets.cli.render import Exit, console, fail, print_json, print_table
from kg_assets.cli.why_read import same_code

if TYPE_CHECKING:
    from resources.settings import Settings


def infer(settings: Settings, types: Sequence[str], *, dry_run: bool, json: bool) -> int:
    """Run the inference of some types, stale or not, or tell its cost.

    Args:
        settings: Where things lie, and who reads.
        types: Entity types; all that have inference where none is named.
        dry_run: Whether only the cost is told; nothing is sent, nothing is written.
        json: Whether to print JSON.

    Returns:
        The exit code.
    """
    from kg_assets.inference.tables import INFERENCE_TYPES

    unknown = sorted(set(types) - set(INFERENCE_TYPES))
    if unknown:
        fail(f"nothing is inferred of {', '.join(unknown)}; use {', '.join(INFERENCE_TYPES)}")
    chosen = [kind for kind in INFERENCE_TYPES if not types or kind in types]
    if dry_run:
        return _dry_run(settings, chosen, json=json)
    from kg_assets.cli.building import build_graph

    lanes = [f"{kind}/inference" for kind in chosen]
    return build_graph(settings, [], lanes, retrain=False, json=json)


def _dry_run(settings: Settings, kinds: Sequence[str], *, json: bool) -> int:
    from kg_assets.inference.choice import LLM
    from kg_assets.inference.llm.dry_run import forecast
    from kg_assets.inference.why import changes_of, decisions_of
    from ontology.schema import load_ontology
    from resources.llm.errors import UnknownPrice

    ontology = load_ontology()
    try:
        told = [forecast(settings, ontology, kind) for kind in kinds]
    except (UnknownPrice, ValueError) as error:
        fail(str(error))
    with reading_session(settings) as con:
        current = same_code(settings)
        decisions = {kind: decisions_of(settings, con, kind) for kind in kinds}
        changes = {
            kind: changes_of(settings, con, kind, same_code=current.get(kind, False))
            for kind in kinds
        }
    configured = {
        kind: kind in settings.extractors
        and any(LLM in name.split("+") for name in settings.extractors[kind].order)
        for kind in kinds
    }
    if json:
        print_json(
            [
                asdict(each)
                | {
                    "configured": configured[each.entity_type],
                    "decisions": decisions[each.entity_type],
                    "changes": changes[each.entity_type],
                }
                for each in told
            ]
        )
        return Exit.OK
    rows = [
        [
            each.entity_type,
            "yes" if configured[each.entity_type] else "no",
            each.documents,
            each.contexts,
            each.stored,
            f"{each.input_tokens[0]:,} to {each.input_tokens[1]:,}",
            f"{each.output_tokens[0]:,} to {each.output_tokens[1]:,}",
            span(each.dollars),
        ]
        for each in told
    ]
    print_table(
        ["type", "configured", "documents", "contexts", "stored", "tokens in", "out", "price"],
        rows,
        f"With {settings.llm_model}; nothing was sent",
    )
    for kind in kinds:
        _print_decisions(kind, decisions[kind], changes[kind])
    low = sum(each.dollars[0] for each in told if configured[each.entity_type])
    high = sum(each.dollars[1] for each in told if configured[each.entity_type])
    console.print(
        f"As configured: {span((low, high))}. The cap of a build is ${settings.llm_cap:,}; at the "
        "cap it stops cleanly, and the next goes on.",
        markup=False,
        soft_wrap=True,
    )
    return Exit.OK


def _print_decisions(
    kind: str, decisions: Mapping[str, Mapping[str, int]], changes: Mapping[str, int]
) -> None:
    """Say how many entities are read and why, and what of their texts changed."""
    for title, counts in (
        *((f"{kind}, {decision}", reasons) for decision, reasons in decisions.items()),
        (f"{kind}, contexts", changes),
    ):
        if counts:
            told = ", ".join(f"{count:,} {reason}" for reason, count in counts.items())
            console.print(f"{title}: {told}", markup=False, soft_wrap=True)


def span(dollars: Sequence[float]) -> str:
    """A range of US dollars for people."""
    digits = 2 if dollars[1] >= 1 else 4
    return f"${dollars[0]:,.{digits}f} to ${dollars[1]:,.{digits}f}"
