"""`kg infer --why`: why the texts of an entity were or were not read."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from kg_assets.cli.reading import reading_session
from kg_assets.cli.render import Exit, clean, complain, console, is_text, print_json, print_list

if TYPE_CHECKING:
    from kg_assets.inference.why import Why
    from resources.settings import Settings


def why_read(settings: Settings, query: str, *, json: bool = False) -> int:
    """Print what was decided for an entity, and what each of its texts was read for.

    Args:
        settings: Where the lake is, and who reads.
        query: An entity id, a record (source:id), or a name.
        json: Print JSON.

    Returns:
        Exit code: 1 where nothing is known by that name.
    """
    from kg_assets.inference.tables import INFERENCE_TYPES
    from kg_assets.inference.why import why_of

    if not query.strip() or not is_text(query):
        complain("give a name, an id or a record, in UTF-8")
        return Exit.BAD_INPUT
    with reading_session(settings) as con:
        found = why_of(settings, con, query.strip(), same_code(settings))
    if json:
        print_json([asdict(each) for each in found])
    elif not found:
        complain(
            f"no {' or '.join(INFERENCE_TYPES)} is known as {query!r} since the last build; of "
            "other types nothing is inferred"
        )
    for one in [] if json else found:
        _print(one)
    return Exit.OK if found else Exit.NOT_FOUND


def same_code(settings: Settings) -> dict[str, bool]:
    """Whether what was read of each type is by the code and configuration of today."""
    from kg_assets.build import assemble
    from kg_assets.inference.tables import INFERENCE_TYPES, extraction_states
    from resources.lake import Lake

    lake, states = Lake(settings), {extraction_states(kind).name: kind for kind in INFERENCE_TYPES}
    found = {}
    for step in assemble(settings).steps:
        for table in step.outputs:
            if table.name in states:
                versions = {head.code_version for head in lake.heads(table).values()}
                found[states[table.name]] = versions == {step.code_version}
    return found


def _print(one: Why) -> None:
    told: Any = one.decision
    console.print(
        f"[bold]{clean(told['name'])}[/] ({one.entity_type} {clean(told['entity_id'])}): "
        f"{told['decision']}, {told['reason']}.",
        soft_wrap=True,
    )
    place = f"; place {told['place']:,} of those worth it" if told["place"] is not None else ""
    console.print(
        f"  Texts {told['texts']:,}, the longest of {told['characters']:,} characters; records "
        f"{told['records']:,} of {told['sources']:,} sources; votes {told['votes'] or 0:,}; "
        f"relations {told['degree']:,}{place}. "
        f"Missing: {', '.join(told['missing']) or 'nothing'}.",
        soft_wrap=True,
    )
    if one.contexts:
        print_list(
            ["text", "from", "state", "by", "facts", "kept", "read because", "now"],
            [
                [
                    f"{each['source']}:{each['source_id']}",
                    each["start"],
                    each["state"] or "not tried",
                    each["extractor"],
                    each["facts"],
                    each["accepted"],
                    each["read_because"],
                    each["now"],
                ]
                for each in one.contexts
            ],
            may_fold=("text", "read because", "now"),
        )
