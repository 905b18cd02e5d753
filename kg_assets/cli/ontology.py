"""`kg ontology`: what the ontology says, what changed in it, and the files that are made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kg_assets.cli.infer import span
from kg_assets.cli.render import Exit, complain, console, fail, plain, print_json, print_table
from ontology.schema import ONTOLOGY_FILE, Ontology, OntologyError, load_ontology

if TYPE_CHECKING:
    from ontology.diff import Difference
    from resources.settings import Settings

_LONGEST_VALUE = 160


def show(name: str | None, *, json: bool) -> int:
    """Print the types and relations, or all that is said of one.

    Args:
        name: A type or a relation, None for an overview.
        json: Whether to print JSON.

    Returns:
        The exit code.
    """
    ontology = load_ontology()
    if name is not None:
        return _show_one(ontology, name, json=json)
    kinds = [
        {
            "type": kind.name,
            "definition": kind.definition,
            "inferred": [each.name for each in ontology.inferred_for(kind.name)],
            "sight": ontology.sight(kind.name),
        }
        for kind in ontology.entity_types.values()
    ]
    relations = [
        {
            "relation": each.name,
            "how": each.how,
            "domain": sorted(each.domain),
            "range": sorted(each.range),
            "wikidata": each.wikidata,
        }
        for each in ontology.relations.values()
    ]
    if json:
        head = {"version": ontology.version, "hash": ontology.hash}
        print_json(head | {"types": kinds, "relations": relations})
        return Exit.OK
    console.print(f"Version {ontology.version}, hash {ontology.hash}")
    print_table(list(kinds[0]), [list(row.values()) for row in kinds], "Types of entity")
    print_table(list(relations[0]), [list(row.values()) for row in relations], "Relations")
    return Exit.OK


def _show_one(ontology: Ontology, name: str, *, json: bool) -> int:
    # A type and a relation can have one name, as genre does.
    found: list[dict[str, Any]] = [
        asdict(each[name]) for each in (ontology.entity_types, ontology.relations) if name in each
    ]
    if not found:
        known = ", ".join((*ontology.entity_types, *ontology.relations))
        complain(f"the ontology has no type and no relation {name!r}; it has: {known}")
        return Exit.NOT_FOUND
    if json:
        print_json([_listed(each) for each in found])
        return Exit.OK
    for each in found:
        examples = each.pop("examples", ())
        print_table(["", ""], [(key, value) for key, value in _listed(each).items()])
        if examples:
            print_table(list(examples[0]), [list(example.values()) for example in examples])
    return Exit.OK


def _listed(found: Mapping[str, Any]) -> dict[str, Any]:
    return {k: sorted(v) if isinstance(v, frozenset) else v for k, v in found.items()}


def write(output: Path) -> int:
    """Write schema, context and pages into a folder.

    Args:
        output: The folder; files of these names in it are written anew.

    Returns:
        The exit code.
    """
    from ontology.publication import published_files

    output.mkdir(parents=True, exist_ok=True)
    files = published_files(load_ontology())
    for name, text in files.items():
        (output / name).write_text(text, encoding="utf-8")
    console.print(f"{len(files)} files in {plain(str(output))}: {', '.join(files)}", markup=False)
    return Exit.OK


def diff(settings: Settings, before: str, after: str | None, *, json: bool) -> int:
    """Print what changed between two versions, and what has to be inferred again.

    Args:
        settings: Where the lake is, which knows the versions that facts were inferred under and
            how many contexts there are.
        before: A file, or the hash of a version or the beginning of it.
        after: The same; None for the ontology that the project is built with.
        json: Whether to print JSON.

    Returns:
        The exit code.
    """
    from ontology.diff import compare

    old = _version(settings, before)
    new = load_ontology() if after is None else _version(settings, after)
    found = compare(old, new)
    again = _again(settings, found, new)
    if json:
        print_json(asdict(found) | {"again": again})
        return Exit.OK
    console.print(f"{found.before} -> {found.after}: {len(found.changes)} changes")
    if found.changes:
        print_table(
            ["element", "name", "change", "of", "before", "after"],
            [[_short(value) for value in asdict(each).values()] for each in found.changes],
        )
    if not again:
        console.print("Nothing has to be inferred again.")
        return Exit.OK
    print_table(
        ["type", "because of", "partitions", "contexts", "by a language model"],
        [
            [e["entity_type"], e["because"], e["partitions"], e["contexts"], span(e["dollars"])]
            for e in again
        ],
        "To be inferred again",
    )
    return Exit.OK


def _again(settings: Settings, found: Difference, new: Ontology) -> list[dict[str, Any]]:
    from kg_assets.inference.llm.dry_run import forecast
    from kg_assets.inference.tables import extraction_contexts
    from resources.lake import Lake

    lake = Lake(settings)
    rows = []
    for kind, because in found.again.items():
        heads = lake.heads(extraction_contexts(kind))
        # By the rules it costs nothing; this is what the language model would take.
        told = forecast(settings, new, kind) if heads and kind in new.entity_types else None
        rows.append(
            {
                "entity_type": kind,
                "because": list(because),
                "partitions": sorted(heads),
                "contexts": sum(head.file.rows for head in heads.values()),
                "dollars": told.dollars if told else (0.0, 0.0),
            }
        )
    return rows


def _version(settings: Settings, named: str) -> Ontology:
    """The ontology of a file or hash, or a readable refusal."""
    from ontology.linkml import parse_ontology

    path = Path(named)
    if path.is_file():
        try:
            return parse_ontology(path.read_text(encoding="utf-8"))
        except (OntologyError, ValueError, UnicodeDecodeError) as error:
            fail(f"{named} is no ontology: {error}")
    texts = _known(settings)
    matching = sorted(each for each in texts if each.startswith(named)) if named else []
    if len(matching) != 1:
        what = "is no file, and no version" if not matching else "is the beginning of several"
        fail(
            f"{named!r} {what} of the ontology that the lake knows; those are: "
            f"{', '.join(sorted(texts))}"
        )
    return parse_ontology(texts[matching[0]])


def _known(settings: Settings) -> dict[str, str]:
    from kg_assets.cli.reading import reading_session
    from kg_assets.inference.tables import ONTOLOGY_VERSIONS
    from resources.lake import Lake

    with reading_session(settings) as con:
        rows = Lake(settings).relation(con, ONTOLOGY_VERSIONS).project("ontology, text").fetchall()
    return dict(rows) | {load_ontology().hash: ONTOLOGY_FILE.read_text(encoding="utf-8")}


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= _LONGEST_VALUE else text[:_LONGEST_VALUE] + " ..."
