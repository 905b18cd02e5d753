"""What a Dagster run failed of, as its events tell."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import dagster as dg

from kg_assets.shell import DAMAGED, REFUSED
from resources.logs import redact

_ENDS = (dg.DagsterEventType.RUN_FAILURE, dg.DagsterEventType.RUN_CANCELED)
_OWN_ERROR = re.compile(r"^(kg_assets|resources|ontology)\.[\w.]+: ")


def damaged_place(events: Iterable[dg.DagsterEvent]) -> tuple[str, str] | None:
    """Table and partition whose file a run found damaged, None where it found none.

    Args:
        events: The events of the run, or those of failures.
    """
    for metadata in _told_of_failures(events):
        if DAMAGED in metadata:
            place = metadata[DAMAGED].value
            assert isinstance(place, dict)
            return place["table"], place["partition"]
    return None


def was_refused(events: Iterable[dg.DagsterEvent]) -> bool:
    """Whether a run failed of what it was given, and would fail of it again.

    Args:
        events: The events of the run, or those of failures.
    """
    return any(REFUSED in metadata for metadata in _told_of_failures(events))


def _told_of_failures(
    events: Iterable[dg.DagsterEvent],
) -> Iterator[Mapping[str, dg.MetadataValue[Any]]]:
    for event in events:
        described = event.step_failure_data.user_failure_data if event.is_step_failure else None
        if described is not None:
            yield described.metadata


def first_error(events: Iterable[dg.DagsterEvent]) -> str:
    """What a run failed of.

    Args:
        events: The events of the run, or those of failures.
    """
    last = None
    for event in events:
        if event.is_step_failure:
            failure = event.step_failure_data
            described = failure.user_failure_data
            if described is not None and described.description:
                return redact(str(described.description))
            cause = failure.error
            while cause is not None and cause.cause is not None:
                cause = cause.cause
            message = cause.message.strip() if cause is not None else "step failed"
            # Of errors of ours the message says all; of others the class says something too.
            return redact(_OWN_ERROR.sub("", message))
        if event.event_type in _ENDS and event.message:
            last = event.message
    return redact(last) if last else "the run failed before its first step; see it in the UI"
