"""`kg explain`: why two records were or were not joined."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from kg_assets.cli.fields import fields_of, shortened, with_works
from kg_assets.cli.reading import all_members, reading_session
from kg_assets.cli.render import Exit, cell, clean, complain, console, is_text, print_json
from kg_assets.matching.tables import (
    JUDGEMENTS,
    match_model,
    match_thresholds,
    review_queue,
    term_frequencies,
)
from resources.lake import Lake

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import duckdb

    from kg_assets.matching.explain import Explanation
    from resources.settings import Settings

_BAR = 15
"""Characters on either side of a bar's zero at most."""

_BESIDE_BAR = 50
"""Characters of a line that the other columns need beside the bar."""


def explain(
    settings: Settings, left: str, right: str, *, chart: Path | None = None, json: bool = False
) -> int:
    """Say of two records how each comparison judges them, and whether they are one entity.

    Args:
        settings: Where the lake is.
        left: A record, source:id.
        right: Another.
        chart: A file .html or .png that the waterfall is drawn into.
        json: Print JSON.

    Returns:
        Exit code: 1 where a record is unknown or nothing is built, 2 where the two are not
        records that can be compared.
    """
    if chart is not None and chart.suffix not in (".html", ".png"):
        complain(f"{chart} is neither .html nor .png: that is what the chart can be drawn into")
        return Exit.BAD_INPUT
    for each in (left, right):
        source, colon, source_id = each.partition(":")
        if not (source and colon and source_id and is_text(each)):
            complain(f"{each!r} is no record: write source:id, for example wikidata_films:42")
            return Exit.BAD_INPUT
    if left == right:
        complain(f"{left} is given twice: name two records")
        return Exit.BAD_INPUT
    with reading_session(settings) as con:
        entities = {each: _entities(settings, con, each) for each in (left, right)}
        unknown = [each for each, found in entities.items() if not found]
        if unknown:
            complain(f"no such record: {', '.join(unknown)}; what is not built is not known")
            return Exit.NOT_FOUND
        common = [kind for kind in entities[left] if kind in entities[right]]
        if not common:
            kinds = [" and ".join(entities[each]) for each in (left, right)]
            complain(
                f"{left} is a {kinds[0]} and {right} a {kinds[1]}: records of different types "
                "are never compared"
            )
            return Exit.BAD_INPUT
        kind = common[0]
        found = explanations_of(settings, con, kind, [(left, right)])
        if found is None:
            complain(f"there is no match model for {kind} yet; make it with: kg build")
            return Exit.NOT_FOUND
        (explanation,) = found
        ids = [entities[each][kind] for each in (explanation.record_l, explanation.record_r)]
        queued = _queued(settings, con, kind, explanation)
        judged = _judged(settings, con, kind, explanation, same=ids[0] == ids[1])
    if chart is not None:
        try:
            _draw(explanation, chart, settings.reports)
        except OSError as error:
            complain(f"{chart} cannot be written: {error.strerror or error}")
            return Exit.BAD_INPUT
    why = judged or _why(explanation, same=ids[0] == ids[1], queued=queued)
    if json:
        print_json(
            {
                "entity_type": kind,
                "entity_l": ids[0],
                "entity_r": ids[1],
                "same_entity": ids[0] == ids[1],
                "why": why,
                **asdict(explanation),
            }
        )
    else:
        _print(explanation, ids, why)
    return Exit.OK


def _entities(settings: Settings, con: duckdb.DuckDBPyConnection, record: str) -> dict[str, str]:
    """Entity of a record by entity type; one source may use an id for things of two types."""
    source, _, source_id = record.partition(":")
    all_members(settings, con).create_view("members", replace=True)
    found = con.sql(
        """
        SELECT entity_type, entity_id
        FROM members
        WHERE source = $source AND source_id = $source_id
        """,
        params={"source": source, "source_id": source_id},
    )
    return dict(found.fetchall())


def explanations_of(
    settings: Settings,
    con: duckdb.DuckDBPyConnection,
    kind: str,
    pairs: Sequence[tuple[str, str]],
) -> list[Explanation] | None:
    """Explain pairs by the frozen model of their type; None where there is no model yet.

    Args:
        settings: Where the lake is.
        con: The connection that reads it; views are made on it.
        kind: Entity type of all records.
        pairs: Two records each, source:id.

    Raises:
        UnknownRecordError: One of them is not a current record.
        OutdatedModelError: The model is not the one by which the scores were made.
    """
    from kg_assets.matching.current_model import check_scored_by
    from kg_assets.matching.explain import explain_pairs
    from kg_assets.matching.models import configured_models
    from kg_assets.matching.records import records

    lake = Lake(settings)
    spec = configured_models(settings)[kind]
    model = lake.relation(con, match_model(kind)).to_arrow_table().to_pylist()
    if not model:
        return None
    check_scored_by(lake, spec, model[0])
    lake.relation(con, records(spec)).create_view("matching_record", replace=True)
    # A type without term frequencies has none of them in its lake either.
    frequencies = lake.relation(con, term_frequencies(kind)).to_arrow_table()
    con.register("frequency", frequencies)
    thresholds = lake.relation(con, match_thresholds(kind)).to_arrow_table()
    found = explain_pairs(con, spec, model[0], pairs, thresholds=thresholds)
    return with_works(lake, con, spec.depends_on, found)


def _queued(
    settings: Settings, con: duckdb.DuckDBPyConnection, kind: str, explanation: Explanation
) -> str | None:
    """Why the pair is in the review queue, None where it is not."""
    Lake(settings).relation(con, review_queue(kind)).create_view("queue", replace=True)
    rows = con.sql(
        "SELECT reason FROM queue WHERE record_l = $l AND record_r = $r",
        params={"l": explanation.record_l, "r": explanation.record_r},
    ).fetchall()
    return str(rows[0][0]) if rows else None


def _judged(
    settings: Settings,
    con: duckdb.DuckDBPyConnection,
    kind: str,
    explanation: Explanation,
    *,
    same: bool,
) -> str | None:
    """What people decided of the pair, by the judgements that say so; None where they did not."""
    from kg_assets.matching.judgements import deciding, stand

    given = Lake(settings).relation(con, JUDGEMENTS).filter(f"entity_type = '{kind}'")
    standing = stand(con, given).to_arrow_table()
    verdict, said = deciding(standing, explanation.record_l, explanation.record_r)
    if verdict is None:
        return None
    reached = "" if same == (verdict == "same") else " It takes effect with: kg build."
    return f"People judged them {verdict}: {'; '.join(said)}.{reached}"


def _why(explanation: Explanation, *, same: bool, queued: str | None) -> str:
    """One sentence about what decided."""
    if same and explanation.edge:
        return "Same entity: the score reaches the threshold and nothing speaks against it."
    if same:
        return "Same entity, through other records that are joined with both."
    if explanation.vetoes:
        texts = "; ".join(explanation.vetoes.values())
        return f"Not the same entity: a veto that no score may overrule. {texts}"
    if not explanation.edge:
        return "Not the same entity: the score does not reach the threshold."
    if not explanation.blocking_rules:
        return "Not the same entity: no blocking rule makes them a candidate pair."
    reason = f" ({queued})" if queued else ""
    return (
        "Not the same entity: the score joins them, but a constraint on the whole cluster keeps "
        f"them apart{reason}."
    )


def _print(explanation: Explanation, ids: list[str], why: str) -> None:
    print_records(explanation, ids)
    print_weights(explanation)
    console.print(
        f"Probability {explanation.match_probability:.4f}, threshold {explanation.threshold:.4f} "
        f"({clean(explanation.threshold_method)})."
    )
    rules = "; ".join(explanation.blocking_rules) or "none"
    console.print(f"Blocking rules under which they meet: {clean(rules)}.")
    for name, text in explanation.vetoes.items():
        console.print(f"[red]Veto {clean(name)}:[/] {clean(text)}")
    console.print(f"[bold]{clean(why)}[/]")


def print_records(explanation: Explanation, ids: Sequence[str] = ()) -> None:
    """Print both records side by side; what differs is marked.

    Args:
        explanation: The pair.
        ids: Entities of both, where they are to be shown.
    """
    table = Table()
    table.add_column("", overflow="fold")
    for record in (explanation.record_l, explanation.record_r):
        table.add_column(clean(record), overflow="fold")
    if ids:
        table.add_row("entity", *(cell(each) for each in ids))
    for name, left, right in fields_of(explanation):
        style = "" if left == right else "yellow"
        label = name.replace("_", " ")
        mark = label if left == right else f"{label} ≠"
        sides = (cell(shortened(value), style) for value in (left, right))
        table.add_row(cell(mark, style), *sides)
    console.print(table)


def steps_of(explanation: Explanation) -> list[tuple[str, str, float]]:
    """Name, level and weight of the prior and of each comparison."""
    return [
        ("prior", "two records at random", explanation.prior_weight),
        *((one.name, one.level, one.weight) for one in explanation.comparisons),
    ]


def _draw(explanation: Explanation, path: Path, reports: Path) -> None:
    from kg_assets.matching.reporting import charts, page
    from kg_assets.matching.reporting.drawing import draw
    from kg_assets.matching.reporting.library import library
    from kg_assets.matching.thresholds import weight_of

    threshold = weight_of(explanation.threshold)
    title = f"{explanation.record_l} and {explanation.record_r}"
    names = [str(side.get("name", "")) for side in (explanation.left, explanation.right)]
    subtitle = (
        f"{names[0]!r} and {names[1]!r}: probability {explanation.match_probability:.4f}, "
        f"threshold {explanation.threshold:.4f} ({threshold:+.1f} bits, dashed)"
    )
    drawn = charts.waterfall(steps_of(explanation), threshold, title, subtitle)
    if path.suffix == ".png":
        path.write_bytes(draw([page.png(drawn, scale=1.5)])[0])
    else:
        vetoes = [f"Veto: {text}" for text in explanation.vetoes.values()]
        whole = page.page(title, vetoes, [drawn], library(reports))
        path.write_text(whole, encoding="utf-8")


def print_weights(explanation: Explanation) -> None:
    """Print a waterfall: each weight as a bar from where the sum before it ended."""
    steps = steps_of(explanation)
    sums = [0.0]
    for _, _, weight in steps:
        sums.append(sums[-1] + weight)
    reach = max(1.0, *(abs(each) for each in sums))
    table = Table(title="Match weights in bits, and their sum", title_justify="left")
    half = max(3, min(_BAR, (console.width - _BESIDE_BAR) // 2))
    table.add_column("comparison", overflow="fold")
    table.add_column("weight", justify="right", no_wrap=True)
    table.add_column(
        "against · for" if half == _BAR else "– · +", no_wrap=True, min_width=2 * half + 1
    )
    table.add_column("level", overflow="fold")
    for place, (name, level, weight) in enumerate(steps):
        bar = _bar(sums[place], sums[place + 1], reach, half)
        table.add_row(cell(name), f"{weight:+.2f}", bar, cell(level))
    total = explanation.match_weight
    table.add_section()
    table.add_row("total", f"{total:+.2f}", _bar(0.0, total, max(reach, abs(total)), half), "")
    console.print(table)


def _bar(start: float, end: float, reach: float, half: int) -> Text:
    """The stretch from one sum to the next, on a line whose middle is zero."""
    first, last = sorted(round(each / reach * half) + half for each in (start, end))
    bar = Text()
    for place in range(2 * half + 1):
        filled = first <= place <= last and start != end
        mark = "█" if filled else ("│" if place == half else " ")
        bar.append(mark, style=("green" if end > start else "red") if filled else "dim")
    return bar
