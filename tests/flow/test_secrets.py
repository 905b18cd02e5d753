"""Secrets in settings reach no file under the home and no output, also where builds fail."""

import hashlib
import os
import sqlite3
import subprocess
import sys
import threading
import zlib
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from kg_assets.inference.tables import CHUNKS, DOCUMENTS, extraction_contexts
from resources.lake import Lake
from tests.graph.small_lake import write
from tests.llm_server import LlmServer, status

PLANTED = "planted-4711"


class Refusing(BaseHTTPRequestHandler):
    """Answers with the key that it was sent in its reason."""

    def do_POST(self):
        self.send_response(401, f"no such key: {self.headers['Authorization']}")
        self.end_headers()

    def log_message(self, *_):
        """Say nothing."""


@contextmanager
def embeddings():
    with HTTPServer(("127.0.0.1", 0), Refusing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"openai:some@http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()


def kg(*arguments, **variables):
    done = subprocess.run(
        [sys.executable, "-m", "kg_assets.cli.main", *arguments],
        env=os.environ | {"KG_LOG_LEVEL": "DEBUG"} | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


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


def test_no_secret_is_written_or_said(texts):
    key = f"sk-{PLANTED}"
    with LlmServer() as server, embeddings() as address:
        server.script(*[status(400, f"the key {key} is wrong")] * 20)
        indexing = {"KG_EMBEDDING": address, "KG_EMBEDDING_KEY": f"emb-{PLANTED}"}
        reading = {
            "KG_EXTRACTORS": '{"film": "llm"}',
            "KG_LLM_KEY": key,
            "KG_LLM_BASE_URL": server.url,
        }
        outputs = [
            kg("build", "--only", "film/inferred_relations", **reading),
            kg("build", "--only", "document_index@film", **indexing),
            kg("rerun", "document_index@film", "--debug", **indexing),
        ]
    outputs += [
        kg("status", KG_CATALOG=f"postgresql+psycopg://kg:{PLANTED}@127.0.0.1:1/kg"),
        kg("status", KG_LLM_KEY=f"{PLANTED} {PLANTED}"),
    ]
    said = [text for _, text in outputs]
    assert server.received
    # Each of them met its secret, and says so without it.
    assert "no such key: Bearer [hidden]" in said[1]
    assert "no such key: Bearer [hidden]" in said[2]
    assert [code for code, _ in outputs[1:]] == [1, 1, 1, 2], said
    assert [text for text in said if PLANTED in text] == []
    files = [path for path in texts.home.rglob("*") if path.is_file()]
    assert [path for path in files if PLANTED.encode() in path.read_bytes()] == []
    assert stored(texts.home)
    assert [content for content in stored(texts.home) if PLANTED.encode() in content] == []
