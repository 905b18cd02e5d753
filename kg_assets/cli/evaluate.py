"""`kg evaluate`: how well the entities agree with labelled links."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kg_assets.cli.reading import all_members, reading_session
from kg_assets.cli.render import Exit, clean, complain, console, print_json, print_table

if TYPE_CHECKING:
    from pathlib import Path

    from kg_assets.matching.evaluation import Scores
    from resources.settings import Settings


def evaluate(settings: Settings, links: Path, *, json: bool = False) -> int:
    """Score the entities of all types against a file of links.

    Args:
        settings: Where the lake is.
        links: TSV of two columns of source:id; each line says that two records are the same.
        json: Print JSON.

    Returns:
        Exit code: 1 where there are no entities yet, 2 where the file cannot be read as links.
    """
    from kg_assets.matching.evaluation import LinksError, read_links
    from kg_assets.matching.evaluation import evaluate as score

    try:
        labelled = read_links(links)
    except LinksError as error:
        complain(str(error))
        return Exit.BAD_INPUT
    except OSError as error:
        complain(f"{links} cannot be read: {error.strerror or error}")
        return Exit.BAD_INPUT
    if not labelled.num_rows:
        complain(f"{links} holds no links: two columns of source:id, separated by a tab")
        return Exit.BAD_INPUT
    with reading_session(settings) as con:
        members = all_members(settings, con)
        if not members.limit(1).fetchall():
            complain("there are no entities to score yet; make them with: kg build")
            return Exit.NOT_FOUND
        scores = score(con, labelled, members)
    if json:
        print_json(scores.as_dict())
    else:
        _print(scores)
    return Exit.OK


def _print(scores: Scores) -> None:
    print_table(
        ["", "precision", "recall", "F1"],
        [
            ["pairs", *_shares(scores.precision, scores.recall, scores.f1)],
            [
                "B-cubed",
                *_shares(scores.b_cubed_precision, scores.b_cubed_recall, scores.b_cubed_f1),
            ],
        ],
    )
    console.print(
        f"{scores.links:,} links: {scores.true_positives:,} found, "
        f"{scores.false_negatives:,} missed; {scores.false_positives:,} pairs joined that are "
        "no links."
    )
    if scores.unknown_records:
        examples = ", ".join(clean(each) for each in scores.unknown_examples)
        console.print(
            f"{scores.unknown_records:,} labelled records are in no entity (such as {examples}); "
            f"{scores.links_with_unknown:,} links with them count as missed."
        )


def _shares(*values: float) -> list[str]:
    return [f"{value:.4f}" for value in values]
