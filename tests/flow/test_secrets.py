"""Secrets in settings reach no file under the home and no output, also where builds fail."""

import base64
import hashlib
import logging
import os
import re
import shutil
import sqlite3
import struct
import subprocess
import sys
import traceback
import zlib
from contextlib import closing
from typing import get_args
from urllib.parse import unquote_to_bytes

import pyarrow.parquet as pq
import pytest
from pydantic import AliasChoices, SecretStr, ValidationError

from kg_assets.cli.main import app
from kg_assets.inference.tables import CHUNKS, DOCUMENTS, extraction_contexts
from kg_assets.instance import prepare_home
from resources.lake import Lake
from resources.logs import ROOTS
from resources.settings import Settings
from tests.echoing_servers import Http, Postgres, echoing
from tests.graph.small_lake import write
from tests.llm_server import LlmServer, status

PLANTED = "planted-4711"

ADDRESS = "{scheme}://kg:" + PLANTED + "-{field}%40x@127.0.0.1:{port}/0"

SECRETS = {
    **{
        field: f"{PLANTED}-{field}"
        for field in ("llm_key", "embedding_key", "s3_key_id", "s3_secret", "s3_token")
    },
    **{
        field: ADDRESS.format(scheme=scheme, field=field, port=1)
        for field, scheme in {
            "broker": "redis",
            "dagster_storage": "postgresql",
            "catalog": "postgresql+psycopg",
            "llm_store": "postgresql+psycopg",
        }.items()
    },
}
"""A secret for each setting that can hold one."""

PLACES = ("dagster_storage", "catalog", "llm_store")
"""Settings of which each says where something lies, and which are given one by one."""

NO_SECRETS = {"user", "llm_model", "llm_budget", "s3_region"}
"""Settings that are free text, and no address of anything."""


def variable(field):
    """The first variable of a setting."""
    alias = Settings.model_fields[field].validation_alias
    return str(alias.choices[0]) if isinstance(alias, AliasChoices) else f"KG_{field.upper()}"


def takes_a_password(field):
    try:
        Settings(**{field: ADDRESS.format(scheme="https", field=field, port=1)})
    except ValidationError:
        return False
    return True


def test_every_setting_that_can_hold_a_secret_has_one_planted():
    kinds = {
        name: {field.annotation, *get_args(field.annotation)}
        for name, field in Settings.model_fields.items()
    }
    secret = {name for name, found in kinds.items() if SecretStr in found}
    texts = {name for name, found in kinds.items() if str in found} - NO_SECRETS
    assert secret | {name for name in texts if takes_a_password(name)} == SECRETS.keys()
    shown = repr(Settings(**SECRETS))
    assert PLANTED not in shown


@pytest.fixture
def kg(monkeypatch, capfd):
    """Runs a command with all secrets in the environment; gives its code and what it says."""
    loggers = [logging.getLogger(name) for name in ROOTS]
    before = [(each, each.handlers, each.level, each.propagate) for each in loggers]
    for field, secret in SECRETS.items():
        if field not in PLACES:
            monkeypatch.setenv(variable(field), secret)
    monkeypatch.setenv("KG_LOG_LEVEL", "DEBUG")

    def run(*arguments, **variables):
        with monkeypatch.context() as patch:
            for name, value in variables.items():
                patch.setenv(name, value)
            try:
                app(list(arguments))
            except SystemExit as ended:
                code = ended.code
            except Exception:
                # What a person would see of it.
                traceback.print_exc()
                code = None
        out, err = capfd.readouterr()
        return code, out + err

    yield run
    for each, handlers, level, propagate in before:
        each.handlers, each.propagate = handlers, propagate
        each.setLevel(level)


def stored(home):
    """What the response store holds, unpacked."""
    with closing(sqlite3.connect(home / "llm.sqlite")) as store:
        packed = [
            *store.execute("SELECT content FROM llm_attempts"),
            *store.execute("SELECT body FROM llm_requests"),
            *store.execute("SELECT content FROM llm_prefixes"),
        ]
    return [zlib.decompress(content) for (content,) in packed]


@pytest.fixture
def texts(home):
    """A home with one text about a film, ready to be indexed and read."""
    text = "Glass Onion is a sequel to Knives Out."
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    about = {"document_id": "d", "entity_id": "film-1"}
    lake = Lake(home)
    document = about | {
        "entity_type": "film",
        "source": "alpha",
        "source_id": "2",
        "title": "Glass Onion",
        "text": text,
        "sha256": sha256,
        "characters": len(text),
        "original_sha256": sha256,
        "cleaning": "none",
    }
    write(lake, DOCUMENTS, [document], "film")
    chunk = about | {"chunk_id": "c", "ordinal": 0, "start": 0, "end": len(text), "text": text}
    write(lake, CHUNKS, [chunk | {"sha256": sha256}], "film")
    context = about | {
        "context_id": "x",
        "entity_type": "film",
        "name": "Glass Onion",
        "document_sha256": sha256,
        "start": 0,
        "text": text,
        "candidates": [],
        "retrieved_chunks": [],
    }
    write(lake, extraction_contexts("film"), [context])
    return home


def nothing_is_told(home, said):
    """Whether no secret stands in what was said, or in any file of a home."""
    assert [text for text in said if PLANTED in text] == []
    files = [path for path in home.rglob("*") if path.is_file()]
    assert [path for path in files if PLANTED.encode() in content(path)] == []


def content(path):
    """The bytes of a file, and what it holds in a packed form: rows, texts of images, images."""
    if path.suffix == ".parquet":
        return path.read_bytes() + str(pq.read_table(path).to_pylist()).encode()
    if path.suffix == ".png":
        return path.read_bytes() + image(path.read_bytes())
    if path.suffix == ".html":
        page = path.read_bytes()
        inside = [base64.b64decode(packed) for packed in IN_PAGE.findall(page)]
        images = [image(each) for each in inside if each.startswith(SIGNATURE)]
        return b"".join([page, unquote_to_bytes(page), *inside, *images])
    return path.read_bytes()


IN_PAGE = re.compile(rb";base64,([A-Za-z0-9+/=]+)")
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(kind, data):
    """A part of a PNG file."""
    return struct.pack(">I4s", len(data), kind) + data + struct.pack(">I", zlib.crc32(kind + data))


def image(png):
    """The texts and the pixels of an image, unpacked."""
    found, pixels, place = [], b"", len(SIGNATURE)
    while place < len(png):
        length, kind = struct.unpack_from(">I4s", png, place)
        data = png[place + 8 : place + 8 + length]
        place += 12 + length
        if kind == b"IDAT":
            pixels += data
        elif kind == b"zTXt":
            # Behind the name, which ends with a zero, and the number of the method.
            found.append(zlib.decompress(data[data.index(b"\0") + 2 :]))
        elif kind == b"iTXt":
            rest = data[data.index(b"\0") + 1 :]
            text = rest[2:].split(b"\0", 2)[2]
            found.append(zlib.decompress(text) if rest[0] else text)
    return b"".join([*found, zlib.decompress(pixels)])


def test_no_secret_of_a_model_is_written_or_said(texts, kg):
    key = SECRETS["llm_key"]
    with LlmServer() as server, echoing(Http) as port:
        server.script(*[status(400, f"the key {key} is wrong")] * 20)
        address = f"openai:some@http://127.0.0.1:{port}/v1"
        reading = {"KG_EXTRACTORS": '{"film": "llm"}', "KG_LLM_BASE_URL": server.url}
        outputs = [
            kg("build", "--only", "film/inferred_relations", **reading),
            kg("build", "--only", "document_index@film", KG_EMBEDDING=address),
            kg("rerun", "document_index@film", "--debug", KG_EMBEDDING=address),
            kg("status", KG_LLM_KEY=f"{PLANTED} {PLANTED}"),
        ]
    said = [text for _, text in outputs]
    assert server.received
    # Each of them met its secret, and says so without it.
    assert "unknown: Authorization Bearer [hidden]" in said[1]
    assert "unknown: Authorization Bearer [hidden]" in said[2]
    assert [code for code, _ in outputs[1:]] == [1, 1, 2], said
    nothing_is_told(texts.home, said)
    assert stored(texts.home)
    assert [content for content in stored(texts.home) if PLANTED.encode() in content] == []


def test_no_secret_is_in_the_logs_that_dagster_captures(texts, monkeypatch):
    prepare_home(texts)
    for field in SECRETS.keys() - {*PLACES}:
        monkeypatch.setenv(variable(field), SECRETS[field])
    command = ["-m", "dagster", "asset", "materialize", "-m", "kg_assets.definitions"]
    chosen = ["--select", "document_index", "--partition", "film"]
    with echoing(Http) as port:
        done = subprocess.run(
            [sys.executable, *command, *chosen],
            env=os.environ | {"KG_EMBEDDING": f"openai:some@http://127.0.0.1:{port}/v1"},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode != 0
    captured = [path for path in texts.home.rglob("*.err") if "compute_logs" in path.parts]
    assert any("Bearer [hidden]" in path.read_text() for path in captured)
    nothing_is_told(texts.home, [done.stdout, done.stderr])


def test_no_secret_is_in_a_report_or_in_a_chart(built, kg):
    charts = [built.home / f"chart.{kind}" for kind in ("html", "png")]
    shutil.rmtree(built.reports)
    outputs = [
        kg("build", "--types", "film", "--retrain"),
        *(kg("explain", "alpha:1", "beta:a", "--chart", str(chart)) for chart in charts),
    ]
    assert [code for code, _ in outputs] == [0, 0, 0], outputs
    drawn = [*charts, *built.reports.rglob("report.*")]
    assert sorted(path.name for path in drawn) == [
        "chart.html",
        "chart.png",
        "report.html",
        "report.png",
    ]
    # They are looked into: what stands in the page is found, and the picture is unpacked.
    assert b"Knives Out" in content(charts[0])
    assert len(content(charts[1])) > 2 * charts[1].stat().st_size
    nothing_is_told(built.home, [said for _, said in outputs])


def test_a_secret_that_is_packed_in_an_image_or_a_page_would_be_found(tmp_path):
    text = zlib.compress(PLANTED.encode())
    chunks = [chunk(b"IDAT", zlib.compress(b"\0\0")), chunk(b"IEND", b"")]
    for name, told in [
        ("a.png", chunk(b"zTXt", b"Comment\0\0" + text)),
        ("b.png", chunk(b"iTXt", b"Comment\0\1\0en\0\0" + text)),
    ]:
        (tmp_path / name).write_bytes(SIGNATURE + told + b"".join(chunks))
        assert PLANTED.encode() not in (tmp_path / name).read_bytes()
    packed = base64.b64encode((tmp_path / "a.png").read_bytes()).decode()
    (tmp_path / "b.html").write_text(f'<img src="data:image/png;base64,{packed}">')
    (tmp_path / "c.html").write_text(PLANTED.replace("-", "%2D"))
    assert all(PLANTED.encode() in content(path) for path in tmp_path.iterdir())


@pytest.mark.parametrize(
    ("field", "command"),
    [
        ("catalog", ("status",)),
        ("llm_store", ("status",)),
        ("dagster_storage", ("build", "--only", "ontology")),
    ],
)
def test_no_password_of_a_database_is_written_or_said(home, kg, field, command):
    with echoing(Postgres) as port:
        code, said = kg(*command, **{variable(field): SECRETS[field].replace(":1/", f":{port}/")})
    assert code == 1
    # Once, in one line: what it is, where, and why it cannot be used.
    (line,) = [line for line in said.splitlines() if "cannot be used" in line]
    assert f"({variable(field)}) at 127.0.0.1:{port}/0 cannot be used: " in line
    assert "unknown: [hidden]" in line
    assert "Traceback" not in said
    nothing_is_told(home.home, [said])


def test_no_key_of_a_bucket_is_written_or_said(home, kg):
    with echoing(Http) as port:
        place = {"KG_LAKE": "s3://lake/kg", "KG_S3_ENDPOINT": f"http://127.0.0.1:{port}"}
        code, said = kg("build", "--only", "ontology", **place, KG_S3_REGION="here")
    assert code == 1
    assert "X-Amz-Security-Token [hidden]" in said
    assert "Credential=[hidden]" in said
    nothing_is_told(home.home, [said])
