"""`kg report`: where the reports on the match models lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kg_assets.cli.reading import reading_session
from kg_assets.cli.render import Exit, clean, complain, console, print_json
from kg_assets.matching.reporting.tables import match_report
from kg_assets.promotion.reading import what_is_read
from kg_assets.sources.record import ENTITY_TYPES
from resources.lake import Lake

if TYPE_CHECKING:
    from resources.settings import Settings


def report(
    settings: Settings, entity_type: str | None = None, *, show: bool = False, json: bool = False
) -> int:
    """List the reports, and open that of a type.

    Args:
        settings: Where they lie.
        entity_type: Only this type.
        show: Open the page of the type in the browser.
        json: Print JSON.

    Returns:
        Exit code: 1 where there is none, 2 where there is no such type.
    """
    if entity_type is not None and entity_type not in ENTITY_TYPES:
        complain(f"{entity_type!r} is no entity type; there are {', '.join(ENTITY_TYPES)}")
        return Exit.BAD_INPUT
    if show and entity_type is None:
        complain("say which report shall be opened: kg report --type film --open")
        return Exit.BAD_INPUT
    lake = Lake(settings)
    folder = what_is_read(settings)[1]
    found = []
    with reading_session(settings) as con:
        for kind in [entity_type] if entity_type else ENTITY_TYPES:
            rows = lake.relation(con, match_report(kind)).project("file, bytes").fetchall()
            found += [
                {"entity_type": kind, "file": str(folder / file), "bytes": size}
                for file, size in sorted(rows)
                if (folder / file).is_file()
            ]
    if not found:
        complain("there is no report yet; make it with: kg build")
        return Exit.NOT_FOUND
    if json:
        print_json(found)
    else:
        for row in found:
            # A path that is cut at the edge of the terminal cannot be opened.
            console.print(clean(str(row["file"])), soft_wrap=True)
    if show:
        import webbrowser

        if not webbrowser.open((folder / f"{entity_type}/report.html").as_uri()):
            console.print(f"No browser was found; open {clean(found[0]['file'])} yourself.")
    return Exit.OK
