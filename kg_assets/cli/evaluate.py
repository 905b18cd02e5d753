"""`kg evaluate`: how well matching agrees with labelled links, and with people's judgements."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from kg_assets.cli.facts_judged import facts_judged
from kg_assets.cli.reading import all_members, reading_session
from kg_assets.cli.render import Exit, clean, complain, console, print_json, print_table
from kg_assets.inference.confidence import calibration_error, reliability
from kg_assets.inference.review.scores import JudgedFact, precisions
from kg_assets.judging.values import JudgementError
from kg_assets.matching.judged_lake import judged_scores
from kg_assets.matching.judgement_scores import Agreement, JudgedScores, together
from resources.lake import Lake

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from kg_assets.matching.evaluation import Scores
    from resources.settings import Settings

_NOTES = (
    "Judged pairs are no sample of all pairs: people are asked about those near the threshold, and "
    "those that a veto or a constraint keeps apart. These figures say how well doubtful pairs are "
    "decided, not how good the matching is; for that score against links: kg evaluate LINKS.tsv",
    "Judgements bind the entities, so after kg build these agree with them whatever the scores "
    "say. What differs was judged since the last build.",
)

_FACTS_NOTE = (
    "Judged facts are no sample of all facts: people are asked about those in doubt. Precision is "
    "the share of those that the gate kept which people accepted, with its 95 % interval (Wilson)."
)


def evaluate(
    settings: Settings, links: Path | None, *, judgements: bool = False, json: bool = False
) -> int:
    """Score the matching of all types against a file of links, people's judgements, or both.

    Args:
        settings: Where the lake is.
        links: TSV of two columns of source:id; each line says that two records are the same.
        judgements: Use what people judged as labels.
        json: Print JSON: the figures of the links, and those of judgements by that name.

    Returns:
        Exit code: 1 where there are no entities or no judgements yet, 2 where the file cannot be
        read as links or there is nothing to score against.
    """
    if links is None and not judgements:
        complain("name a file of links, or score against what people judged: --judgements")
        return Exit.BAD_INPUT
    labelled = None
    if links is not None:
        labelled = _links(links)
        if labelled is None:
            return Exit.BAD_INPUT
    with reading_session(settings) as con:
        members = all_members(settings, con)
        if not members.limit(1).fetchall():
            complain("there are no entities to score yet; make them with: kg build")
            return Exit.NOT_FOUND
        judged: dict[str, JudgedScores] = {}
        facts: list[JudgedFact] = []
        if judgements:
            try:
                judged = judged_scores(settings, con, Lake(settings), shadows=True)
                facts = facts_judged(settings, con)
            except JudgementError as error:
                complain(str(error))
                return Exit.NOT_FOUND
            if not judged and not facts:
                complain("there are no judgements yet; make some with: kg review")
                return Exit.NOT_FOUND
        scores = None
        if labelled is not None:
            from kg_assets.matching.evaluation import evaluate as score

            scores = score(con, labelled, members)
    if json:
        shown: dict[str, object] = {} if scores is None else scores.as_dict()
        if judged:
            shown["judgements"] = {
                "all": together(judged.values()).as_dict(),
                "types": {kind: found.as_dict() for kind, found in judged.items()},
                "notes": _NOTES,
            }
        if facts:
            shown["facts"] = {
                "precision": [one.as_dict() for one in precisions(facts)],
                "calibration": _calibration(facts),
                "notes": [_FACTS_NOTE],
            }
        print_json(shown)
        return Exit.OK
    if scores is not None:
        _print(scores)
    if judged:
        _print_judged(judged)
    if facts:
        _print_facts(facts)
    return Exit.OK


def _calibration(facts: list[JudgedFact]) -> dict[str, object]:
    """How far confidence is off over the judged facts of which it says how sure they are."""
    curve = reliability([(one.confidence, one.holds) for one in facts if one.counts])
    return {
        "facts": sum(each.facts for each in curve),
        "error": calibration_error(curve),
        "curve": [asdict(each) for each in curve],
    }


def _print_facts(facts: list[JudgedFact]) -> None:
    rows = []
    for one in precisions(facts):
        low, high = one.interval or (None, None)
        rows.append(
            [
                one.extractor,
                one.relation,
                one.judged,
                one.right,
                one.kept,
                *("–" if each is None else f"{each:.4f}" for each in (one.precision, low, high)),
            ]
        )
    print_table(
        ["extractor", "relation", "judged", "right", "kept", "precision", "from", "to"],
        rows,
        title="Judged facts as extractors found them, before judgements",
    )
    found = _calibration(facts)
    console.print(
        f"Confidence is off by {found['error']:.4f} on average over {found['facts']:,} of them; "
        "fit it with: kg calibrate",
        soft_wrap=True,
    )
    console.print(f"[yellow]{_FACTS_NOTE}[/]", soft_wrap=True)


def _links(links: Path) -> pa.Table | None:
    """Links of a file; None where it is refused, which is said."""
    from kg_assets.matching.links import LinksError, read_links

    try:
        labelled = read_links(links)
    except LinksError as error:
        complain(str(error))
        return None
    except OSError as error:
        complain(f"{links} cannot be read: {error.strerror or error}")
        return None
    if not labelled.num_rows:
        complain(f"{links} holds no links: two columns of source:id, separated by a tab")
        return None
    return labelled


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


def _print_judged(judged: dict[str, JudgedScores]) -> None:
    """Print what scores say of the judged pairs, before what the entities do with them."""
    whole = together(judged.values())
    rows = [*judged.items(), *([("all", whole)] if len(judged) > 1 else [])]
    print_table(
        ["", "same", "different", "wrongly joined", "missed", *_SHARES],
        [
            [name, *_judged_as(one.scores), *_wrong(one.scores), *_agreement(one.scores)]
            for name, one in rows
        ],
        title="What the scores say of judged pairs, before judgements",
    )
    if whole.scores.false_negatives:
        console.print(
            f"Of the {whole.scores.false_negatives:,} missed, {whole.missed_below:,} do not reach "
            f"the threshold, {whole.missed_vetoed:,} are vetoed and "
            f"{whole.missed_no_candidates:,} were never candidates.",
            soft_wrap=True,
        )
    for held_out, how in (
        (True, "here it scores each pair as it learns from others (cross-validation)."),
        (False, "its scores are measured on what taught them."),
    ):
        taught = {k: one.taught for k, one in judged.items() if one.taught}
        taught = {k: n for k, n in taught.items() if judged[k].held_out is held_out}
        if taught:
            console.print(
                f"[yellow]The classifier of {', '.join(taught)} learnt from "
                f"{sum(taught.values()):,} judgements: {how}[/]",
                soft_wrap=True,
            )
    _print_shadows(judged)
    if whole.unsure:
        console.print(f"{whole.unsure:,} pairs were judged unsure and count neither way.")
    if whole.gone:
        console.print(f"{whole.gone:,} judgements are of records that are not there.")
    console.print(f"[yellow]{_NOTES[0]}[/]", soft_wrap=True)
    print_table(
        ["", "wrongly joined", "missed", *_SHARES],
        [[name, *_wrong(one.entities), *_agreement(one.entities)] for name, one in rows],
        title="What the entities do with them, after judgements",
    )
    console.print(f"[yellow]{_NOTES[1]}[/]", soft_wrap=True)


def _print_shadows(judged: dict[str, JudgedScores]) -> None:
    """Print what scorers in the shadow say of the same pairs, by the same thresholds."""
    shadows = {kind: one for kind, one in judged.items() if one.shadow is not None}
    told = [(kind, one) for kind, one in shadows.items() if one.shadow_silent is None]
    if told:
        print_table(
            ["", "in the shadow", "wrongly joined", "missed", *_SHARES],
            [
                [kind, one.shadow, *_wrong(one.shadow_scores), *_agreement(one.shadow_scores)]
                for kind, one in told
            ],
            title="What scorers in the shadow say of the same pairs",
        )
    for kind, one in shadows.items():
        if one.shadow_silent is not None:
            said = f"{one.shadow} in the shadow of {kind} says nothing: {one.shadow_silent}"
            console.print(clean(said), soft_wrap=True)


_SHARES = ("precision", "recall", "F1")


def _judged_as(found: Agreement) -> tuple[int, int]:
    return (
        found.true_positives + found.false_negatives,
        found.true_negatives + found.false_positives,
    )


def _wrong(found: Agreement) -> tuple[int, int]:
    return found.false_positives, found.false_negatives


def _agreement(found: Agreement) -> list[str]:
    """Shares; none where no pair of the kind was judged."""
    shares = (found.precision, found.recall, found.f1)
    return ["–" if share is None else f"{share:.4f}" for share in shares]


def _shares(*values: float) -> list[str]:
    return [f"{value:.4f}" for value in values]
