"""`kg calibrate`: weights of the confidence of facts, fitted to what people judged of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kg_assets.cli.facts_judged import facts_judged
from kg_assets.cli.reading import reading_session
from kg_assets.cli.render import Exit, clean, complain, console, print_json
from kg_assets.inference.confidence import WEIGHTS, write_weights
from kg_assets.inference.review.checks import FEWEST_REVIEWED

if TYPE_CHECKING:
    from resources.settings import Settings


def calibrate(
    settings: Settings, target: Path | None, report: Path | None, *, json: bool = False
) -> int:
    """Fit weights to the reviewed facts of the namespace.

    The fit starts from the weights that ship and is drawn to them, so few judgements move little.
    Nothing changes until a build is told of the file (KG_CONFIDENCE_WEIGHTS): confidence is frozen,
    as match models are, and facts are asked for again by a decision and not by themselves.

    Args:
        settings: Where the lake is.
        target: File that the weights are written into.
        report: File .html that the reliability curve is drawn into.
        json: Print JSON.

    Returns:
        Exit code: 1 where there are too few judgements, the fit is no better and nothing was
        written, or a file cannot be written.
    """
    with reading_session(settings) as con:
        judged = [one for one in facts_judged(settings, con) if one.counts]
    if len(judged) < FEWEST_REVIEWED:
        complain(
            f"{len(judged):,} reviewed facts say how sure their extractor was, and "
            f"{FEWEST_REVIEWED} are needed: judge more with kg review --only facts"
        )
        return Exit.NOT_FOUND
    from kg_assets.inference.calibration import Labelled, calibrate

    found = calibrate(
        [Labelled(one.document_id, one.signals, one.quote_match, one.holds) for one in judged],
        WEIGHTS,
    )
    try:
        if target is not None and found.helps:
            counts = {"facts": found.facts, "documents": found.documents, "right": found.right}
            write_weights(found.after, target, made_by="kg calibrate", **counts)
        if report is not None:
            from kg_assets.inference.calibration_page import page_of

            lines = [
                f"Labels: what people judged in the namespace {settings.namespace}. They judge "
                "what is in doubt, so these facts are no sample of all.",
            ]
            page = page_of(found, "Confidence of facts read from text", lines)
            report.write_text(page, encoding="utf-8")
    except OSError as error:
        complain(f"{error.filename} cannot be written: {error.strerror or error}")
        return Exit.NOT_FOUND
    code = Exit.OK if found.helps else Exit.NOT_FOUND
    if json:
        print_json(found.as_dict())
        return code
    console.print(
        f"{found.facts:,} reviewed facts of {found.documents:,} texts, {found.right:,} hold. "
        f"Calibration error {found.error_before:.3f} with the weights that ship, "
        f"{found.error_after:.3f} with fitted ones (cross-validated by text).",
        soft_wrap=True,
    )
    if not found.helps:
        complain("on texts that it did not see the fit is no better: the weights stay as they are")
    elif target is not None:
        console.print(
            f"Written: {clean(target)}. Builds use it with KG_CONFIDENCE_WEIGHTS={clean(target)}",
            soft_wrap=True,
        )
    return code
