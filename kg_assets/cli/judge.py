"""`kg judge`: people's judgements of pairs and facts out of and into the lake, as a file."""

from __future__ import annotations

import secrets
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kg_assets.cli.reading import all_members, reading_session
from kg_assets.cli.render import Exit, clean, complain, console
from kg_assets.inference.review.finding import find_object
from kg_assets.inference.review.log import FACTS
from kg_assets.inference.review.values import FactJudgement, fact_judgement
from kg_assets.judging.lines import JudgementFileError, read_judgements, written
from kg_assets.judging.log import add_all
from kg_assets.judging.values import JudgementError, Kind, Said
from kg_assets.matching.judgement_log import PAIRS
from ontology.schema import load_ontology
from resources import errors
from resources.lake import Lake

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import duckdb

    from resources.settings import Settings

KINDS: dict[str, Kind[Any]] = {PAIRS.name: PAIRS, FACTS.name: FACTS}
"""The kinds of judgements by name; lines without a kind are of the first."""

TYPED = "new_object_typed"
"""Field of a line in which a person typed the object of a correction, to be found at import."""

_BATCH_ROWS = 65_536


def export_judgements(settings: Settings, target: Path, *, force: bool = False) -> int:
    """Write all judgements, also those taken back, as JSON lines.

    The file appears when it is whole.

    Args:
        settings: Where the lake is.
        target: The file.
        force: Overwrite it.

    Returns:
        Exit code: 1 where there are none or the file cannot be written, 2 where it is there.
    """
    if target.exists() and not force:
        complain(f"{target} is there already; --force overwrites it")
        return Exit.BAD_INPUT
    building = target.with_name(f".{target.name}.{secrets.token_hex(6)}")
    rows = 0
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with building.open("x", encoding="ascii") as stream:
            for kind in KINDS.values():
                for line in written(kind, _all(settings, kind)):
                    stream.write(line)
                    rows += 1
        if rows:
            building.replace(target)
    except OSError as error:
        complain(f"{target} cannot be written: {error.strerror or error}")
        return Exit.NOT_FOUND
    finally:
        building.unlink(missing_ok=True)
    if not rows:
        complain("there are no judgements to export yet; add some with: kg judge import")
        return Exit.NOT_FOUND
    console.print(f"{rows:,} judgements: {clean(target)}", soft_wrap=True)
    return Exit.OK


def _all(settings: Settings, kind: Kind[Any]) -> Iterator[Said]:
    with reading_session(settings) as con:
        ordered = Lake(settings).relation(con, kind.table).order("time, id")
        with closing(ordered.to_arrow_reader(_BATCH_ROWS)) as batches:
            for batch in batches:
                for row in batch.select(kind.table.schema.names).to_pylist():
                    yield kind.made(**row)


def import_judgements(settings: Settings, source: Path) -> int:
    """Add the judgements of a file: all of them, or none where one line cannot be.

    Args:
        settings: Where the lake is, and who judged where a line does not say.
        source: JSON lines, see `kg_assets.judging.lines`.

    Returns:
        Exit code: 2 where the file is not taken.
    """
    if refuse_production(settings):
        return Exit.BAD_INPUT
    try:
        with reading_session(settings) as con:
            given = read_judgements(source, _kinds(settings, con), who=settings.user)
    except OSError as error:
        complain(f"{source} cannot be read: {error.strerror or error}")
        return Exit.BAD_INPUT
    except JudgementFileError as error:
        complain(str(error))
        return Exit.BAD_INPUT
    if not any(given.values()):
        complain(f"{source} holds no judgements: one JSON object a line")
        return Exit.BAD_INPUT
    try:
        found = add_all(Lake(settings), [(kind, given[name]) for name, kind in KINDS.items()])
    except JudgementError as error:
        complain(f"{source}: {error}")
        return Exit.BAD_INPUT
    added: list[Said] = [one for each in found for one in each.added]
    known = sum(each.known for each in found)
    console.print(f"{len(added):,} judgements added, {known:,} were there already.", soft_wrap=True)
    absent = _absent(settings, added)
    if absent:
        examples = ", ".join(clean(each) for each in absent[:3])
        console.print(
            f"{len(absent):,} records that they name are not there (such as {examples}): the "
            "judgements are kept, and count once these are.",
            soft_wrap=True,
        )
    say_what_next([one.entity_type for one in added])
    return Exit.OK


def _kinds(settings: Settings, con: duckdb.DuckDBPyConnection) -> dict[str, Kind[Any]]:
    """The kinds, where what a person typed on a page is looked for in the lake."""
    lake = Lake(settings)

    def made(**values: str) -> FactJudgement:
        said = values.pop(TYPED, None)
        if said is None:
            return fact_judgement(**values)
        relation = values.get("new_relation", values["relation"])
        relations = load_ontology().relations
        if relation not in relations:
            raise JudgementError(f"relation {relation!r} is not in the ontology")
        record, kind, name = find_object(lake, con, said, relations[relation].range)
        if record is not None:
            values["new_object"] = record
        return fact_judgement(**{**values, "new_object_type": kind, "new_object_name": name})

    return {**KINDS, FACTS.name: replace(FACTS, make=made, extra=(TYPED,))}


def refuse_production(settings: Settings) -> bool:
    """Say that production is written by promotion only, if that is the namespace."""
    try:
        errors.refuse_production(settings.namespace)
    except errors.ProductionError as error:
        complain(str(error))
        return True
    return False


def say_what_next(kinds: Sequence[str]) -> None:
    """Say how new judgements reach the graph."""
    if kinds:
        types = ",".join(sorted(set(kinds)))
        console.print(f"They take effect with: kg build --types {types}", soft_wrap=True)


def _records(one: Said) -> list[str]:
    """The records that a judgement names."""
    names = ("record_l", "record_r", "record", "object", "new_object")
    found = (getattr(one, name, None) for name in names)
    return [each for each in found if each is not None]


def _absent(settings: Settings, judgements: Sequence[Said]) -> list[str]:
    """Judged records that are in no entity."""
    import pyarrow as pa

    named = {record for one in judgements for record in _records(one)}
    with reading_session(settings) as con:
        all_members(settings, con).create_view("members", replace=True)
        ordered = sorted(named)
        con.register(
            "named",
            pa.table({"record_id": pa.array(ordered, pa.string())}),
        )
        found = con.sql(
            """
            SELECT DISTINCT record_id
            FROM named
            ANTI JOIN (
                SELECT source || ':' || source_id AS record_id
                FROM members
            ) USING (record_id)
            ORDER BY record_id
            """
        ).fetchall()
    return [record for (record,) in found]
