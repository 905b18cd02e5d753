"""Fits the weights of confidence to the developed documents of `stories`, and measures the fit.

Run as ``python -m benchmarks.calibration``; ``--write`` replaces the weights that ship,
``--report FILE.html`` draws the reliability curve. Facts are read with candidates, as the pipeline
does, from the developed documents; of the held-out ones only the error is printed, and nothing is
fitted to them. A fact that the gate keeps
counts as right where it is labelled. Left out is what is labelled in part only: main_subject, and
prequel_of in the older documents. The rules were written on these documents, so that more of their
facts hold than of others': the ridge keeps the fit close to what was set by hand.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from benchmarks import stories
from kg_assets.inference.calibration import Calibration, Labelled, calibrate, sure
from kg_assets.inference.calibration_page import page_of
from kg_assets.inference.composed import ComposedRules
from kg_assets.inference.confidence import (
    BY_HAND,
    WEIGHTS_FILE,
    Signals,
    calibration_error,
    reliability,
    write_weights,
)
from kg_assets.inference.evidence import Document, judge, locate
from ontology.schema import load_ontology

WHOLE = stories.RELATIONS - {"main_subject", "prequel_of"}
"""Relations that are labelled whole in all developed documents."""


def labelled(folder: Path = stories.STORIES) -> list[Labelled]:
    """Read the facts of documents and say which hold."""
    ontology = load_ontology()
    rules = ComposedRules(ontology)
    stated = stories.labels(folder / "labels.tsv")
    found = []
    for context in stories.all_contexts(stories.read_records(folder / "records.jsonl")):
        document = Document(context.text, context.document_sha256)
        for fact in rules.extract(context):
            place = locate(context, fact, document)
            if fact.relation not in WHOLE or place is None:
                continue
            if judge(context, fact, document, ontology) is not None:
                continue
            label = (context.entity_id, fact.relation, fact.object_id or fact.object_name)
            signals = Signals(fact.confidence, fact.margin, 0, fact.agreeing, fact.asked)
            found.append(Labelled(context.document_id, signals, place.match, label in stated))
    return found


def calibration() -> Calibration:
    """Fit from the weights that were set by hand."""
    return calibrate(labelled(), BY_HAND)


def main() -> None:
    """Print the figures; write weights and report where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"write {WEIGHTS_FILE.name}")
    parser.add_argument("--report", type=Path, help="draw the curve into this .html file")
    asked = parser.parse_args()
    found = calibration()
    unseen = labelled(stories.HELD_OUT)
    held_out = {
        "facts": len(unseen),
        "right": sum(each.holds for each in unseen),
        **{
            f"calibration_error_{name}": round(
                calibration_error(reliability([(sure(each, w), each.holds) for each in unseen])), 4
            )
            for name, w in (("before", found.before), ("after", found.after))
        },
    }
    print(json.dumps({**found.as_dict(), "held_out": held_out}, indent=1))
    if asked.report is not None:
        lines = ["Labels: the developed documents of the example source stories."]
        page = page_of(found, "Confidence of facts read from text", lines)
        asked.report.write_text(page, encoding="utf-8")
    if asked.write:
        write_weights(
            found.after,
            WEIGHTS_FILE,
            made_by="python -m benchmarks.calibration --write",
            facts=found.facts,
            documents=found.documents,
            right=found.right,
        )


if __name__ == "__main__":
    main()
