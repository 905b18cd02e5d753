"""Thresholds in the configuration: what is understood, and what is refused with a reason."""

import pytest
from pydantic import ValidationError

from resources.settings import Settings


def test_sources_are_put_in_order(monkeypatch):
    monkeypatch.setenv("KG_THRESHOLDS", '{"film": 0.9, "film|b|a": 0.85}')
    assert Settings().thresholds == {"film": 0.9, "film|a|b": 0.85}
    assert hash(Settings()) == hash(Settings())


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ("film=0.9", "is not JSON"),
        ('{"film|a": 0.9}', "neither an entity type nor"),
        ('{"film": 1.0}', "at least 0.05 and below 1"),
        ('{"film": "high"}', "valid number"),
        ('{"film|a|b": 0.9, "film|b|a": 0.8}', "twice"),
    ],
)
def test_what_is_wrong_is_said(monkeypatch, value, complaint):
    monkeypatch.setenv("KG_THRESHOLDS", value)
    with pytest.raises(ValidationError, match=complaint):
        Settings()
