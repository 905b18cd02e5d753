"""What is wrong with a setting is said with its variable, and without a secret."""

import pytest
from pydantic import ValidationError

from kg_assets.cli.main import settings as checked
from resources.settings import Settings

SECRET = "sk-4f1d-secret"


@pytest.mark.parametrize(
    ("variable", "value", "complaint"),
    [
        ("KG_EXTRACTORS", "film: llm", "KG_EXTRACTORS is not JSON"),
        ("KG_EXTRACTORS", '{"film": {"ordre": []}}', "KG_EXTRACTORS, film.ordre: Extra inputs"),
        ("KG_SHADOW_EXTRACTORS", '{"film":', "KG_SHADOW_EXTRACTORS is not JSON"),
        ("KG_SCORERS", "splink", """write for example {"film": "splink"}"""),
        ("KG_LLM_BASE_URL", "foo", "KG_LLM_BASE_URL: Value error, write an address such as"),
        ("KG_LLM_BASE_URL", "http://[::1", "write an address such as"),
        ("KG_LLM_KEY", "two words", "KG_LLM_KEY: Value error, the key has characters"),
        ("KG_SHARDS", "four", "KG_SHARDS: Value error, write a number, or JSON"),
        ("KG_SHARDS", '{"film": 0}', "KG_SHARDS: Value error, 0 shards: there are 1 to 4,096"),
        ("KG_LAKE", "http://lake", "KG_LAKE: Value error, write a folder, or s3://BUCKET/PREFIX"),
        ("KG_LAKE", "s3://Not_A_Bucket!/x", "write a folder, or s3://BUCKET/PREFIX"),
        ("KG_LAUNCHER", "celery", "needs KG_BROKER, KG_DAGSTER_STORAGE, KG_CATALOG in Postgres"),
        ("KG_LAUNCHER", "ray", "KG_LAUNCHER: Input should be 'local' or 'celery'"),
        ("KG_GATES", "5 %", """write for example {"entities_lost": 0.02}"""),
        ("KG_GATES", '{"entities_lost": 2}', "KG_GATES, entities_lost: Input should be less"),
        ("KG_GATES", '{"entities_lots": 0.1}', "KG_GATES, entities_lots: Extra inputs"),
        ("KG_LLM_CAP", "-1", "KG_LLM_CAP: Input should be greater than or equal to 0"),
    ],
)
def test_a_wrong_variable_is_named(monkeypatch, capsys, variable, value, complaint):
    monkeypatch.setenv(variable, value)
    with pytest.raises(SystemExit) as stopped:
        checked()
    assert stopped.value.code == 2
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize("variable", ["KG_LLM_KEY", "KG_EMBEDDING_KEY"])
@pytest.mark.parametrize("wrong", [f"{SECRET} {SECRET}", f"{SECRET}\u201d", f"{SECRET}\n{SECRET}"])
def test_a_key_that_fits_in_no_header_is_refused_without_being_shown(monkeypatch, variable, wrong):
    monkeypatch.setenv(variable, wrong)
    with pytest.raises(ValidationError) as refused:
        Settings()
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(
    ("variable", "before"), [("KG_LLM_BASE_URL", ""), ("KG_EMBEDDING", "openai:model@")]
)
def test_an_address_that_is_kept_may_hold_no_password(monkeypatch, variable, before):
    monkeypatch.setenv(variable, f"{before}https://me:{SECRET}@host/v1")
    with pytest.raises(ValidationError, match="a key belongs into KG_") as refused:
        Settings()
    assert SECRET not in str(refused.value)


def test_a_line_break_at_the_end_is_no_part_of_a_key(monkeypatch):
    monkeypatch.setenv("KG_LLM_KEY", f"{SECRET}\n")
    assert Settings().llm_key.get_secret_value() == SECRET


def test_the_password_of_a_database_is_in_no_representation():
    url = f"postgresql+psycopg://kg:{SECRET}@db/kg"
    settings = Settings(
        catalog=url, llm_store=url, dagster_storage=url, broker=f"redis://:{SECRET}@b:1/0"
    )
    assert SECRET not in repr(settings) + str(settings)


@pytest.mark.parametrize(
    ("value", "film", "person"), [("", 2, 4), ("7", 7, 7), ('{"film": 64}', 64, 4)]
)
def test_shards_are_set_for_all_types_or_for_one(monkeypatch, value, film, person):
    monkeypatch.setenv("KG_SHARDS", value)
    settings = Settings()
    assert (settings.shards_of("film", 2), settings.shards_of("person", 4)) == (film, person)


def test_keys_to_a_bucket_come_from_the_usual_variables_too_and_are_in_no_representation(
    monkeypatch,
):
    monkeypatch.setenv("KG_LAKE", "s3://films/lake/of/kg/")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    settings = Settings()
    assert settings.bucket == ("films", "lake/of/kg")
    assert settings.s3_region == "eu-central-1"
    assert settings.s3_secret.get_secret_value() == SECRET
    assert SECRET not in repr(settings) + str(settings)


@pytest.mark.parametrize("lake", ["", "lake", "/srv/lake"])
def test_a_lake_without_an_address_is_a_folder(lake):
    assert Settings(lake=lake).bucket is None
    assert Settings(lake=lake).lake_path.is_absolute()
