"""`kg judge`: people's judgements out of and into the lake, as a file."""

from __future__ import annotations

import secrets
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from kg_assets.cli.reading import all_members, reading_session
from kg_assets.cli.render import Exit, clean, complain, console
from kg_assets.matching.judgement_files import (
    JudgementFileError,
    read_judgements,
    written,
)
from kg_assets.matching.judgement_log import add
from kg_assets.matching.judgement_values import Judgement, JudgementError
from kg_assets.matching.tables import JUDGEMENTS
from resources import errors
from resources.lake import Lake

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from resources.settings import Settings

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
            for line in written(_all(settings)):
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


def _all(settings: Settings) -> Iterator[Judgement]:
    with reading_session(settings) as con:
        ordered = Lake(settings).relation(con, JUDGEMENTS).order("time, id")
        with closing(ordered.to_arrow_reader(_BATCH_ROWS)) as batches:
            for batch in batches:
                for row in batch.select(JUDGEMENTS.schema.names).to_pylist():
                    yield Judgement(**row)


def import_judgements(settings: Settings, source: Path) -> int:
    """Add the judgements of a file: all of them, or none where one line cannot be.

    Args:
        settings: Where the lake is, and who judged where a line does not say.
        source: JSON lines, see `kg_assets.matching.judgement_files`.

    Returns:
        Exit code: 2 where the file is not taken.
    """
    if refuse_production(settings):
        return Exit.BAD_INPUT
    try:
        given = read_judgements(source, who=settings.user)
    except OSError as error:
        complain(f"{source} cannot be read: {error.strerror or error}")
        return Exit.BAD_INPUT
    except JudgementFileError as error:
        complain(str(error))
        return Exit.BAD_INPUT
    if not given:
        complain(f"{source} holds no judgements: one JSON object a line")
        return Exit.BAD_INPUT
    try:
        added = add(Lake(settings), given)
    except JudgementError as error:
        complain(f"{source}: {error}")
        return Exit.BAD_INPUT
    console.print(
        f"{len(added.added):,} judgements added, {added.known:,} were there already.",
        soft_wrap=True,
    )
    absent = _absent(settings, added.added)
    if absent:
        examples = ", ".join(clean(each) for each in absent[:3])
        console.print(
            f"{len(absent):,} records that they name are not there (such as {examples}): the "
            "judgements are kept, and count once these are.",
            soft_wrap=True,
        )
    say_what_next([one.entity_type for one in added.added])
    return Exit.OK


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


def _absent(settings: Settings, judgements: Sequence[Judgement]) -> list[str]:
    """Judged records that are in no entity."""
    import pyarrow as pa

    named = {
        (one.entity_type, record) for one in judgements for record in (one.record_l, one.record_r)
    }
    with reading_session(settings) as con:
        all_members(settings, con).create_view("members", replace=True)
        ordered = sorted(named)
        con.register(
            "named",
            pa.table(
                {
                    "entity_type": pa.array([kind for kind, _ in ordered], pa.string()),
                    "record_id": pa.array([record for _, record in ordered], pa.string()),
                }
            ),
        )
        found = con.sql(
            """
            SELECT DISTINCT record_id
            FROM named
            ANTI JOIN (
                SELECT entity_type, source || ':' || source_id AS record_id
                FROM members
            ) USING (entity_type, record_id)
            ORDER BY record_id
            """
        ).fetchall()
    return [record for (record,) in found]
