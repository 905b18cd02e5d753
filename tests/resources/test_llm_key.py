"""The key of the language model stays in the one header that it is sent in."""

import logging

import anthropic
import pytest

from resources.llm.errors import KeyDenied
from resources.settings import Settings
from tests.llm_server import status, text
from tests.resources.conftest import KEY

QUESTION = {
    "model": "claude-haiku-5-5",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "When?"}],
}


@pytest.mark.parametrize("variable", ["KG_LLM_KEY", "ANTHROPIC_API_KEY"])
def test_the_key_comes_from_either_variable(monkeypatch, variable):
    monkeypatch.delenv("KG_LLM_KEY", raising=False)
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    assert Settings().llm_key is None
    monkeypatch.setenv(variable, KEY)
    settings = Settings()
    assert settings.llm_key.get_secret_value() == KEY
    assert KEY not in repr(settings) + str(settings) + settings.model_dump_json()


def test_the_key_is_in_no_file_log_error_or_representation(model, server, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    one = model(llm_retries=1)
    ask = one.plain_client.messages.create
    echo = f"the key {KEY} is wrong"
    server.script(text("fine"), text(f"You sent {KEY}"), status(400, echo), status(500, echo))
    server.script(status(500, echo), status(401, echo))
    said = [repr(one), str(one), repr(one.settings), repr(one.plain_client), repr(one.lane.counts)]
    for words in ("one", "two"):
        messages = [{"role": "user", "content": words}]
        said.append(ask(**{**QUESTION, "messages": messages}).to_json())
    kinds = (anthropic.BadRequestError, anthropic.InternalServerError, KeyDenied)
    for number, kind in enumerate(kinds):
        messages = [{"role": "user", "content": f"fails {number}"}]
        with pytest.raises(kind) as failure:
            ask(**{**QUESTION, "messages": messages})
        said += [str(failure.value), repr(failure.value), str(getattr(failure.value, "body", ""))]
    one.close()

    assert [r.headers["authorization"] for r in server.received] == [f"Bearer {KEY}"] * 6
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert KEY not in caplog.text
    assert not [text for text in said if KEY in text]
    # What is stored is packed, so it is looked at unpacked as well.
    again = model(llm_mode="replay")
    for words in ("one", "two"):
        messages = [{"role": "user", "content": words}]
        answer = again.plain_client.messages.create(**{**QUESTION, "messages": messages})
        assert KEY not in answer.to_json()
    assert not [path for path in files if KEY.encode() in path.read_bytes()]


def test_a_key_that_is_a_common_word_changes_no_answer(model, server):
    server.script(text("none of them"))
    assert model(llm_key="none").plain_client.messages.create(**QUESTION).content[0].text == (
        "none of them"
    )
