"""What is logged says where it was, and holds no secret."""

import io
import json
import logging

import pytest

from resources.logs import configure, fields, redact
from resources.settings import Settings

PASSWORD = "p%40ss-word"


@pytest.fixture
def log():
    """Gives what was logged under a level and a format; puts the loggers back afterwards."""
    loggers = [logging.getLogger(name) for name in ("kg_assets", "resources", "ontology")]
    before = [(each, each.handlers, each.level, each.propagate) for each in loggers]

    def logged(level, form):
        stream = io.StringIO()
        configure(Settings(log_level=level, log_format=form), stream)
        with fields(step="film/records", partition="all", run=""):
            logging.getLogger("resources.lake").info("it is %s", "read")
            try:
                raise ValueError(f"redis://:{PASSWORD}@host/0 is down")
            except ValueError:
                logging.getLogger("kg_assets.shell").warning("failed", exc_info=True)
        return stream.getvalue()

    yield logged
    for each, handlers, level, propagate in before:
        each.handlers, each.propagate = handlers, propagate
        each.setLevel(level)


def test_a_line_of_json_has_the_fields_and_no_password(log):
    first, second = map(json.loads, log("INFO", "json").splitlines())
    assert first["message"] == "it is read"
    assert (first["step"], first["partition"], first["level"]) == ("film/records", "all", "info")
    assert "run" not in first
    assert "redis://:[hidden]@host/0 is down" in second["exception"]


def test_a_line_of_text_too_and_what_is_below_the_level_is_left_out(log):
    said = log("WARNING", "text")
    assert "it is read" not in said
    assert "[step=film/records partition=all]" in said
    assert PASSWORD not in said


@pytest.mark.parametrize(
    ("variable", "value", "text"),
    [
        ("KG_LLM_KEY", "sk-hush-hush", "you sent sk-hush-hush!"),
        ("KG_EMBEDDING_KEY", "emb-hush-hush\n", "Bearer emb-hush-hush"),
        ("KG_S3_SECRET", "s3/hush+hush", "signed by s3/hush+hush"),
        ("KG_CATALOG", "postgresql://kg:hush%21hush@db/kg", "password hush!hush is wrong"),
        ("KG_BROKER", "redis://:hush-hush@db/0", "hush-hush"),
        ("KG_LLM_STORE", "postgresql://db/kg?password=hush-hush", "hush-hush"),
    ],
)
def test_what_a_variable_hides_is_hidden_wherever_it_stands(monkeypatch, variable, value, text):
    monkeypatch.setenv(variable, value)
    assert "[hidden]" in redact(text)
    assert "hush" not in redact(text)
    assert redact("nothing to hide") == "nothing to hide"


def test_the_password_of_an_address_that_is_no_setting_is_hidden_too():
    assert redact("see https://me:hush@host/a") == "see https://me:[hidden]@host/a"
