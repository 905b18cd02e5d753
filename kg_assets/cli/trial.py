"""`kg sources check`: an adapter tried on files, and what it understood of them."""

from __future__ import annotations

import json as json_module
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from kg_assets.cli.render import Exit, clean, complain, console, print_json, print_table
from kg_assets.sources.deliveries import LandingError, check_name
from kg_assets.sources.registry import ADAPTERS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pyarrow as pa

    from kg_assets.sources.trial import Trial
    from resources.settings import Settings

_MOST_LINES = 20
"""Lines of a list that are shown to people; JSON holds all."""


def check_source(
    settings: Settings, source: str, files: Sequence[Path], *, sample: int, json: bool = False
) -> int:
    """Try the adapter of a source on files and print what it understood.

    Args:
        settings: Limits of blobs and files.
        source: Name of the source; one without an adapter is read as canonical records.
        files: Files as the source gives them.
        sample: Blobs of each file that are looked at.
        json: Print a JSON object.

    Returns:
        Exit code: 0 where records were made, 1 where none was, 2 where the call is wrong.
    """
    from kg_assets.sources.trial import try_adapter

    try:
        check_name(source, "source")
    except LandingError as error:
        complain(str(error))
        return Exit.BAD_INPUT
    for path in files:
        if not path.is_file():
            complain(f"{path} is no file that can be read; name files as the source gives them")
            return Exit.BAD_INPUT
    twice = sorted({path.name for path in files if [f.name for f in files].count(path.name) > 1})
    if twice:
        complain(f"two files are named {twice[0]}; a delivery has each name once")
        return Exit.BAD_INPUT
    trial = try_adapter(settings, source, files, sample=sample)
    if json:
        print_json(trial_as_json(trial, source))
    else:
        _print_trial(trial, source)
    return Exit.OK if trial.records else Exit.NOT_FOUND


def trial_as_json(trial: Trial, source: str) -> dict[str, Any]:
    """What `kg sources check --json` prints."""
    adapter = trial.adapter
    return {
        "source": source,
        "title": adapter.title,
        "licence": adapter.licence,
        "adapter": source in ADAPTERS,
        "files": [asdict(file) for file in trial.files],
        "missing": trial.missing,
        "mapping": {
            "inputs": {
                one.name: {
                    "files": list(one.files),
                    "cut": one.cut,
                    "key": one.key,
                    "adds_to": one.adds_to,
                    "fields": _typed(one.fields),
                    "kinds": {name: _typed(fields) for name, fields in one.kinds.items()},
                    "apart": {pattern: str(kind) for pattern, kind in one.apart.items()},
                }
                for one in adapter.all_inputs
            },
            "joins": {join.name: join.select for join in adapter.joins},
            "select": adapter.select,
        },
        "records": trial.records,
        "people_of_credits": trial.people,
        "filled": trial.filled,
        "examples": trial.examples,
        "unread": trial.unread,
        "relations": [asdict(one) for one in trial.relations],
        "skipped": trial.skipped,
        "outside_of_sample": trial.outside,
        "quarantined": [
            {"stage": stage, "reason": reason, "blobs": number, "file": file, "position": place}
            for stage, reason, number, file, place in trial.quarantined
        ],
        "warnings": trial.warnings,
    }


def _typed(fields: pa.Schema) -> dict[str, str]:
    return {each.name: str(each.type) for each in fields}


def _print_trial(trial: Trial, source: str) -> None:
    adapter = trial.adapter
    kind = "its own adapter" if source in ADAPTERS else "as canonical records"
    console.print(f"[bold]{clean(source)}[/] ({kind}): {clean(adapter.title)}")
    console.print(f"licence: {clean(adapter.licence)}")
    print_table(
        ["file", "read as", "blobs", "all of it"],
        [(one.file, one.input, one.blobs, "yes" if one.is_whole else "no") for one in trial.files],
    )
    for name in trial.missing:
        files = ", ".join(adapter.input(name).files)
        console.print(f"missing: {clean(files)}; rows that add to it were skipped")
    if not trial.records:
        console.print("[red]No record was made of it.[/]")
    for entity_type, number in trial.records.items():
        shares = trial.filled[entity_type]
        print_table(
            ["field", "filled", "example"],
            [
                (name, f"{share:.0%}", _short(trial.examples[entity_type].get(name)))
                for name, share in shares.items()
            ],
            title=f"{entity_type}: {number:,} records",
        )
    if trial.relations:
        print_table(
            ["relation", "stated", "other record in the sample", ""],
            [
                (
                    one.relation,
                    one.stated,
                    one.found,
                    "" if one.is_known else "the ontology has no such relation",
                )
                for one in trial.relations
            ],
            title="Stated of other records",
        )
    if trial.people:
        console.print(f"{trial.people:,} people were made from credits.")
    _print_unread(trial)
    if trial.skipped:
        console.print(f"{trial.skipped:,} blobs are declared to hold no records and were skipped.")
    if trial.outside:
        console.print(f"{trial.outside:,} rows add to records outside of the sample.")
    if trial.quarantined:
        print_table(
            ["reason", "blobs", "first"],
            [
                (reason, number, f"{file} {position}")
                for _, reason, number, file, position in trial.quarantined[:_MOST_LINES]
            ],
            title="Would be quarantined",
        )
    for warning in trial.warnings:
        console.print(f"[yellow]not as usual:[/] {clean(warning)}")


def _print_unread(trial: Trial) -> None:
    rows = [
        (name, path, number)
        for name, paths in trial.unread.items()
        for path, number in paths.items()
    ]
    if not rows and trial.records:
        console.print("Every field of the data is read.")
        return
    print_table(["input", "field", "blobs"], rows[:_MOST_LINES], title="Fields that are not read")
    if len(rows) > _MOST_LINES:
        console.print(f"[dim]the first {_MOST_LINES} of {len(rows):,}; all with --json[/]")


def _short(value: object) -> str:
    """An example on one line: lists and objects as JSON, without what is empty in them."""
    text = "" if value is None else value if isinstance(value, str) else _as_json(value)
    return text if len(text) <= 80 else text[:79] + "…"


def _as_json(value: object) -> str:
    return json_module.dumps(_without_empty(value), ensure_ascii=False, default=str)


def _without_empty(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_empty(each) for key, each in value.items() if each is not None}
    return [_without_empty(each) for each in value] if isinstance(value, list) else value
