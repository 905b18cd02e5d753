"""A lake in a bucket, its catalog in Postgres: several machines see one lake."""

import itertools
import subprocess
import sys

import obstore
import pyarrow as pa
import pytest
from obstore.store import S3Store

from resources.errors import CorruptFileError
from resources.lake import Lake
from resources.lock import Busy, is_held, lake_lock
from resources.settings import Settings
from resources.table import Table
from tests.postgres_server import new_database
from tests.s3_server import make_bucket, s3_server

TABLE = Table(
    name="film/records",
    schema=pa.schema([pa.field("id", pa.int64(), nullable=False), pa.field("name", pa.string())]),
    key=("id",),
    description="Films.",
)
NUMBERS = itertools.count()


def rows(*pairs):
    return pa.table({"id": [i for i, _ in pairs], "name": [n for _, n in pairs]}, TABLE.schema)


@pytest.fixture(scope="module")
def server():
    with s3_server() as url:
        yield url


@pytest.fixture
def machine(server, postgres_url, tmp_path):
    """Makes the settings of a machine, by its name; all machines see one lake."""
    bucket = f"lake-{next(NUMBERS)}"
    make_bucket(server, bucket)
    catalog = new_database(postgres_url)

    def make(name="one", **changes):
        return Settings(
            home=tmp_path / name,
            lake=f"s3://{bucket}/some/place",
            s3_endpoint=server,
            s3_region="us-east-1",
            s3_key_id="test",
            s3_secret="test-secret",
            catalog=catalog,
            threads=1,
            **changes,
        )

    return make


@pytest.fixture
def objects(machine, server):
    """The bucket as others see it."""
    return S3Store(
        machine().bucket[0],
        prefix="some/place",
        endpoint=server,
        region="us-east-1",
        access_key_id="test",
        secret_access_key="test-secret",
        client_options={"allow_http": True},
    )


def names(objects):
    return sorted(found["path"] for page in obstore.list(objects) for found in page)


def write(settings, *pairs):
    with Lake(settings).step("step", code_version="1") as step:
        step.write(TABLE, rows(*pairs))


def content(settings):
    with Lake(settings).step("look") as step:
        return dict(step.read(TABLE).fetchall())


def test_what_one_machine_commits_another_reads(machine, objects):
    write(machine("one"), (1, "Mother"), (2, "Paprika"))
    [head] = Lake(machine("one")).heads(TABLE).values()
    assert names(objects) == [head.file.path]
    assert content(machine("two")) == {1: "Mother", 2: "Paprika"}


def test_a_file_reaches_the_bucket_only_when_its_step_has_succeeded(machine, objects):
    with pytest.raises(RuntimeError), Lake(machine()).step("step") as step:
        step.write(TABLE, rows((1, "Mother")))
        assert step.staged(TABLE).fetchall() == [(1, "Mother")]
        assert names(objects) == []
        raise RuntimeError
    assert names(objects) == []
    assert content(machine()) == {}


def test_equal_content_leaves_the_object_that_was_there(machine, objects):
    write(machine("one"), (1, "Mother"))
    before = names(objects)
    write(machine("two"), (1, "Mother"))
    assert names(objects) == before


def test_a_layer_over_a_file_in_the_bucket_is_read_with_it(machine, objects):
    settings = machine(layer_share=1.0)
    write(settings, (1, "Mother"), (2, "Paprika"), (3, "It"))
    with Lake(settings).step("step", code_version="1") as step:
        old = step.previous(TABLE, "id = 2")
        step.patch(TABLE, old, step.con.sql("SELECT 2::BIGINT AS id, 'Paprika!' AS name"))
    assert len(names(objects)) == 2
    assert content(machine("two")) == {1: "Mother", 2: "Paprika!", 3: "It"}


@pytest.mark.parametrize("harm", ["changed", "lost"])
def test_a_file_that_was_harmed_in_the_bucket_is_an_error_that_says_what_to_do(
    machine, objects, harm
):
    write(machine("one"), (1, "Mother"))
    [name] = names(objects)
    if harm == "lost":
        obstore.delete(objects, name)
        assert Lake(machine()).storage.missing([name, name]) == {name}
    else:
        obstore.put(objects, name, b"something else")
    with pytest.raises(CorruptFileError, match="kg build --only 'film/records'"):
        content(machine("two"))


def test_a_local_copy_that_the_disk_has_changed_is_fetched_again(machine):
    write(machine("one"), (1, "Mother"))
    copies = list((machine("one").cache / "files").iterdir())
    assert len(copies) == 1
    copies[0].write_bytes(b"something else")
    assert content(machine("one")) == {1: "Mother"}


def test_the_cache_forgets_what_is_over_its_limit_and_readers_keep_what_they_read(machine):
    small = machine(cache_bytes=0)
    write(small, (1, "Mother"))
    lake = Lake(small)
    with lake.step("look") as step:
        relation = step.read(TABLE)
        write(small, (2, "Paprika"))
        assert list((small.cache / "files").iterdir()) == []
        assert relation.fetchall() == [(1, "Mother")]
    del lake, step, relation
    assert content(small) == {2: "Paprika"}
    assert list((small.cache / "uses").iterdir()) == []


def test_copies_of_a_user_who_was_killed_are_removed_by_the_next(machine):
    settings = machine()
    killed = settings.cache / "uses" / "1-killed"
    killed.mkdir(parents=True)
    (killed / "file.parquet").touch()
    write(settings, (1, "Mother"))
    assert not killed.exists()


def test_files_that_nothing_points_to_are_collected_from_the_bucket(machine, objects):
    write(machine(), (1, "Mother"))
    kept = names(objects)
    obstore.put(objects, "film/records/all/killed.parquet", b"half")
    assert Lake(machine()).collect() == []
    assert Lake(machine()).collect(older_than_seconds=-60) == ["film/records/all/killed.parquet"]
    assert names(objects) == kept


HOLD = """
import sys, time
from resources.lock import lake_lock
from resources.settings import Settings
with lake_lock(Settings(catalog=sys.argv[1]), "build-dev"):
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_lock_over_machines_ends_with_the_process_that_holds_it(machine):
    settings = machine()
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, settings.catalog], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout.readline() == "held\n"
    assert is_held(settings, "build-dev")
    with pytest.raises(Busy), lake_lock(settings, "build-dev", wait=False):
        pass
    with lake_lock(settings, "build-ann", wait=False):
        pass
    holder.kill()
    holder.wait()
    with lake_lock(settings, "build-dev"):
        assert is_held(settings, "build-dev")
    assert not is_held(settings, "build-dev")


TAKE = """
import sys
import pyarrow as pa
from resources.lake import Lake
from resources.settings import Settings
from tests.resources.test_bucket import rows, TABLE
lake = Lake(Settings())
for number in range(12):
    with lake.step("step", run_id=sys.argv[1]) as step:
        step.write(TABLE, rows((number, sys.argv[1])))
"""


def test_two_workers_that_take_the_same_partition_leave_the_work_of_one(machine, monkeypatch):
    settings = machine()
    values = {
        "HOME": settings.home,
        "LAKE": settings.lake,
        "CATALOG": settings.catalog,
        "THREADS": "1",
        "S3_ENDPOINT": settings.s3_endpoint,
        "S3_REGION": "us-east-1",
        "S3_KEY_ID": "test",
        "S3_SECRET": "test-secret",
    }
    for name, value in values.items():
        monkeypatch.setenv(f"KG_{name}", str(value))
    workers = [subprocess.Popen([sys.executable, "-c", TAKE, name]) for name in ("ann", "bob")]
    assert [worker.wait() for worker in workers] == [0, 0]
    history = Lake(settings).catalog.history("dev", TABLE.name)
    assert len(history) == 24
    assert [head.commit_id for head in history] == sorted({head.commit_id for head in history})
    assert content(settings) in ({11: "ann"}, {11: "bob"})
