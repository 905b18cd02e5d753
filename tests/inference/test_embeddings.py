"""Embeddings by configuration, an API on loopback, and two writers of one table at once."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path

import pytest

from kg_assets.building import build
from kg_assets.inference.embeddings import EmbeddingError, HashedWords, configured_embedding
from kg_assets.inference.index import open_index
from kg_assets.inference.steps import run_document_index
from kg_assets.inference.tables import DOCUMENT_INDEX
from kg_assets.sources.landing import land
from resources.duck import session
from resources.lake import Lake
from resources.settings import Settings
from resources.vectors import VectorStore
from tests.inference.conftest import World

KEY = "not-a-real-key"


class Api(ThreadingHTTPServer):
    """Speaks /v1/embeddings; answers with the statuses that it was given, then with vectors."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.faults: list[int] = []
        self.texts: list[str] = []
        self.keys: list[str | None] = []


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        api = self.server
        assert isinstance(api, Api)
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        fault = api.faults.pop(0) if api.faults else None
        if fault is not None:
            self.send_response(fault)
            self.send_header("Retry-After", "0")
            self.end_headers()
            return
        api.texts += body["input"]
        api.keys.append(self.headers["Authorization"])
        rows = [
            {"index": place, "embedding": [3.0, float(len(text)), 0.0]}
            for place, text in enumerate(body["input"])
        ]
        answer = json.dumps({"data": rows[::-1]}).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def api() -> Iterator[Api]:
    with Api() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def spec(api: Api) -> str:
    return f"openai:small@http://127.0.0.1:{api.server_port}/v1"


def test_an_api_is_asked_again_after_a_passing_fault_and_gives_unit_vectors_in_order(
    api: Api,
) -> None:
    api.faults = [429, 503]
    vectors = configured_embedding(spec(api), KEY).embed(["four", ""])
    assert vectors == [[0.6, 0.8, 0.0], [1.0, 0.0, 0.0]]
    assert api.keys == [f"Bearer {KEY}"]


def test_a_refusal_is_an_error_without_the_key(api: Api) -> None:
    api.faults = [401]
    with pytest.raises(EmbeddingError, match="401") as caught:
        configured_embedding(spec(api), KEY).embed(["a"])
    assert KEY not in str(caught.value)


def test_only_changed_chunks_are_embedded_again_and_no_key_is_kept(world: World, api: Api) -> None:
    embedding = configured_embedding(spec(api), KEY)
    for title in ("It", "Her"):
        world.add("film", title, f"{title} was shown here.")
    for _ in range(2):
        world.deliver()
        world.infer(())
        with world.lake.step("index", partition="film") as step:
            run_document_index(step, world.vectors, embedding)
        world.entities[0]["description"] = "It was shown there."
    assert sorted(set(api.texts)) == [
        "Her was shown here.",
        "It was shown here.",
        "It was shown there.",
        "dimensions",
    ]
    home = world.settings.home
    files = [path for path in home.rglob("*") if path.is_file()]
    assert files and not any(KEY.encode() in path.read_bytes() for path in files)


@pytest.mark.parametrize(
    "choice", ["", "words", "openai:small", "openai:a@ftp://x", "hashed-words:3"]
)
def test_an_embedding_that_does_not_exist_is_refused(choice: str) -> None:
    with pytest.raises(EmbeddingError, match="KG_EMBEDDING"):
        configured_embedding(choice)


def test_a_size_can_be_chosen() -> None:
    embedding = configured_embedding("hashed-words:64")
    assert isinstance(embedding, HashedWords)
    assert (embedding.dimensions, embedding.name) == (64, "hashed-words-1-64")


WRITER = """
import sys
from importlib.util import find_spec
from pathlib import Path
from kg_assets.inference.steps import run_document_index
from resources.lake import Lake
from resources.settings import Settings
from resources.vectors import VectorStore
settings = Settings(home=Path(sys.argv[1]), memory_limit="500MB", threads=1)
print("ready", flush=True)
sys.stdin.readline()
with Lake(settings).step("index", partition="film") as step:
    run_document_index(step, VectorStore(settings))
"""


def test_two_runs_at_once_leave_each_chunk_once_and_both_name_a_whole_version(
    world: World, tmp_path: Path
) -> None:
    for number in range(30):
        world.add("film", f"Harbour {number}", f"Harbour {number} was shown here.")
    world.deliver()
    world.infer(())
    for entity in world.entities:
        entity["description"] += " It was shown again."
    world.deliver()
    from kg_assets.inference.steps import run_documents

    with world.lake.step("documents", partition="film") as step:
        run_documents(step)
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(world.settings.home)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for run in runs:
        assert run.stdout is not None and run.stdout.readline() == "ready\n"
    for run in runs:
        run.communicate("go\n", timeout=300)
    assert [run.returncode for run in runs] == [0, 0]
    [manifest] = world.rows(DOCUMENT_INDEX)
    assert manifest["rows"] == 30
    found = open_index(world.vectors, manifest).full_text("again", 100)
    assert len(found) == len({chunk.chunk_id for chunk in found}) == 30


def test_a_model_in_a_folder_is_told_by_its_content_and_not_by_where_it_lies(
    tmp_path: Path,
) -> None:
    def name(folder: str) -> str:
        return configured_embedding(f"sentence-transformers:{tmp_path / folder}").name

    for folder in ("here", "there"):
        (tmp_path / folder / "small" / "1_Pooling").mkdir(parents=True)
        (tmp_path / folder / "small" / "model.safetensors").write_bytes(b"w" * 3_000_000)
        (tmp_path / folder / "small" / "1_Pooling" / "config.json").write_text("{}")
    assert name("here/small") == name("there/small")
    assert name("here/small").startswith("sentence-transformers:small-")
    (tmp_path / "there" / "small" / "model.safetensors").write_bytes(b"v" * 3_000_000)
    assert name("here/small") != name("there/small")
    assert configured_embedding("sentence-transformers:all-MiniLM-L6-v2").name == (
        "sentence-transformers:all-MiniLM-L6-v2"
    )


def tiny_model(folder: Path) -> Path:
    """Save a model of the package with a few random weights, as one that was trained is saved."""
    torch = pytest.importorskip("torch")
    package = pytest.importorskip("sentence_transformers")
    transformers = pytest.importorskip("transformers")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "film", "novel", "of", "the", "sea"]
    bert = folder / "bert"
    bert.mkdir(parents=True)
    (bert / "vocab.txt").write_text("\n".join(words))
    torch.manual_seed(1)
    config = transformers.BertConfig(
        vocab_size=len(words),
        hidden_size=8,
        intermediate_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
    )
    transformers.BertModel(config).save_pretrained(bert)
    transformers.BertTokenizer(str(bert / "vocab.txt")).save_pretrained(bert)
    # The package adds the mean over the words, as to any model that brings no such part.
    package.SentenceTransformer(str(bert), device="cpu").save(str(folder / "tiny"))
    return folder / "tiny"


def test_a_model_of_the_package_makes_the_vectors_of_a_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tiny_model(tmp_path / "models")
    told = {"entity_type": "film", "source_id": "1", "name": "The Sea"}
    file = tmp_path / "records.jsonl"
    file.write_text(json.dumps(told | {"description": "A film of the sea."}) + "\n")
    for name, value in {
        "KG_HOME": str(tmp_path / "home"),
        "KG_EMBEDDING": f"sentence-transformers:{model}",
        "KG_WORKERS": "1",
        "KG_SHARDS": "1",
    }.items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    land(settings.landing_path, "alpha", [file], "first")
    assert [result.error for result in build(settings, types=["film"]).failed] == []
    lake = Lake(settings)
    with session(threads=1, memory_limit="100MB", scratch=tmp_path) as con:
        relation = lake.relation(con, DOCUMENT_INDEX, "film")
        [manifest] = relation.to_arrow_table().to_pylist()
    assert manifest["embedding"].startswith("sentence-transformers:tiny-")
    embedding = configured_embedding(settings.embedding)
    reader = open_index(VectorStore(settings), manifest, embedding)
    [vector] = embedding.embed(["A film of the sea."])
    [found] = reader.nearest(vector, 5)
    assert found.title == "The Sea"
    assert found.vector == pytest.approx(vector, abs=1e-5)


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("sentence_transformers")
    (tmp_path / "empty").mkdir()
    embedding = configured_embedding(f"sentence-transformers:{tmp_path / 'empty'}")
    with pytest.raises(EmbeddingError, match="cannot be loaded"):
        embedding.embed(["A text."])


@pytest.mark.skipif(
    find_spec("sentence_transformers") is not None, reason="sentence-transformers is installed"
)
def test_a_model_without_its_package_is_refused_with_what_to_do(tmp_path: Path) -> None:
    embedding = configured_embedding(f"sentence-transformers:{tmp_path}")
    with pytest.raises(EmbeddingError, match="pip install sentence-transformers"):
        embedding.embed(["A text."])
