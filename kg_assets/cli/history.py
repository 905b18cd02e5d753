"""`kg history`: the versions of a table, and with which code and configuration each was made."""

from __future__ import annotations

import json as json_text
from typing import TYPE_CHECKING, Any

from kg_assets.cli.render import Exit, clean, complain, console, print_json, print_table
from resources.catalog import Catalog

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from resources.entries import Head, Made
    from resources.settings import Settings


def history(settings: Settings, label: str, *, limit: int, json: bool = False) -> int:
    """List the versions that a table, or one of its partitions, has had.

    Args:
        settings: The catalog, and whose versions: those of their namespace.
        label: Name of the table, or ``TABLE@PARTITION``.
        limit: How many of the last versions are shown.
        json: Print JSON.

    Returns:
        Exit code: 1 where there is none.
    """
    table, _, partition = label.partition("@")
    catalog = Catalog(settings.catalog_url)
    found = catalog.history(settings.namespace, table)
    found = [head for head in found if not partition or head.partition == partition]
    if not found:
        seen = catalog.heads(settings.namespace, table)
        found = [head for key, head in seen.items() if not partition or key == partition]
        if not found:
            complain(f"{settings.namespace} has no {label}; tables are listed in the UI")
            return Exit.NOT_FOUND
    told = [_told(catalog, head) for head in found[-limit:]]
    if json:
        print_json(told)
    else:
        _print(told)
    return Exit.OK


def _told(catalog: Catalog, head: Head) -> dict[str, Any]:
    made = catalog.made(head.file.version)
    context = made.context if made else None
    return {
        "table": head.table,
        "partition": head.partition,
        "time": head.time,
        "by": head.step,
        "made": _made(made),
        "version": head.file.version,
        "rows": head.file.rows,
        "digest": head.file.digest,
        "layers": len(head.below),
        "code_version": head.code_version,
        "model": _model(head),
        "code": context.code if context else None,
        "ontology": context.ontology if context else None,
        "settings_digest": context.id if context else None,
        "settings": json_text.loads(context.settings) if context else None,
        "inputs": [
            {"table": one.table, "partition": one.partition, "digest": one.digest}
            for one in head.inputs
        ],
        "removed": made.removed if made else None,
    }


def _made(made: Made | None) -> dict[str, Any] | None:
    if made is None:
        return None
    return {
        "namespace": made.namespace,
        "step": made.step,
        "run": made.run_id,
        "time": made.time,
        "seconds": made.details.get("seconds"),
        "checks": made.details.get("checks", []),
    }


def _model(head: Head) -> str | None:
    """Digest of the match model that it was made with."""
    ending = "/match_model"
    if head.table.endswith(ending):
        return head.file.digest
    return next((one.digest for one in head.inputs if one.table.endswith(ending)), None)


def _print(told: Sequence[Mapping[str, Any]]) -> None:
    """A table of the versions, and all that is known of the last one."""
    print_table(
        ["time", "partition", "rows", "by", "namespace", "code", "settings", "files"],
        [
            [
                one["time"][:16].replace("T", " "),
                one["partition"],
                one["rows"],
                one["by"],
                one["made"]["namespace"] if one["made"] else "",
                (one["code"] or "")[:12],
                one["settings_digest"] or "",
                "removed" if one["removed"] else "there",
            ]
            for one in told
        ],
    )
    last = told[-1]
    lines = [
        ("version", last["version"]),
        ("code version", last["code_version"]),
        ("code", last["code"]),
        ("ontology", last["ontology"]),
        ("match model", last["model"]),
        ("run", last["made"]["run"] if last["made"] else None),
        ("seconds", last["made"]["seconds"] if last["made"] else None),
        ("read", ", ".join(f"{one['table']}@{one['partition']}" for one in last["inputs"])),
    ]
    for name, value in lines:
        if value is not None:
            console.print(f"{name}: {clean(value)}", soft_wrap=True)
    if last["settings"]:
        values = {name: value for name, value in last["settings"].items() if value}
        console.print(f"settings: {clean(json_text.dumps(values))}", soft_wrap=True)
