"""Files that follow from the lake's content are made once on each machine, and never half."""

import os
import threading
import time

import pytest

from resources.derived import derived

LIMIT = 1 << 20


def maker(made, content=b"numbers"):
    def make(folder):
        made.append(folder)
        (folder / "numbers.npy").write_bytes(content)

    return make


def test_files_are_made_once_for_each_name(tmp_path):
    made = []
    folders = [derived(tmp_path, name, maker(made), LIMIT) for name in ("a", "b", "a", "b")]
    assert len(made) == 2
    assert folders[:2] == folders[2:]
    assert (folders[0] / "numbers.npy").read_bytes() == b"numbers"


def test_those_that_need_files_at_once_wait_for_the_one_that_makes_them(tmp_path):
    made = []

    def slowly(folder):
        time.sleep(0.2)
        maker(made)(folder)

    threads = [
        threading.Thread(target=derived, args=(tmp_path, "a", slowly, LIMIT)) for _ in range(4)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(made) == 1


@pytest.mark.parametrize("damage", [b"numbesr", b"num", None])
def test_files_that_are_not_as_they_were_made_are_made_again(tmp_path, damage):
    made = []
    path = derived(tmp_path, "a", maker(made), LIMIT) / "numbers.npy"
    if damage is None:
        path.unlink()
    else:
        path.write_bytes(damage)
    derived(tmp_path, "a", maker(made), LIMIT)
    assert len(made) == 2
    assert path.read_bytes() == b"numbers"


@pytest.mark.parametrize("sums", ["", "[]", "{}x", '{"numbers.npy": "hash"}', '{"numbers.npy": 1}'])
def test_files_of_which_nothing_certain_is_known_are_made_again(tmp_path, sums):
    made = []
    folder = derived(tmp_path, "a", maker(made), LIMIT)
    (folder / "sums.json").write_text(sums)
    derived(tmp_path, "a", maker(made), LIMIT)
    assert len(made) == 2


def test_what_fails_half_way_leaves_nothing_and_is_made_by_the_next(tmp_path):
    made = []

    def fails(folder):
        maker(made)(folder)
        raise OSError("No space left on device")

    with pytest.raises(OSError, match="No space"):
        derived(tmp_path, "a", fails, LIMIT)
    assert [each.name for each in (tmp_path / "derived").iterdir()] == ["locks"]
    derived(tmp_path, "a", maker(made), LIMIT)
    assert len(made) == 2


def test_a_draft_of_a_process_that_was_killed_is_no_answer(tmp_path):
    made = []
    folder = derived(tmp_path, "a", maker(made), LIMIT)
    draft = folder.with_name(f".{folder.name}")
    folder.rename(draft)
    (draft / "more.npy").write_bytes(b"half")
    found = {path.name for path in derived(tmp_path, "a", maker(made), LIMIT).iterdir()}
    assert found == {"numbers.npy", "sums.json"}


def test_what_was_needed_longest_ago_is_forgotten_first(tmp_path):
    made = []
    old, older, new = (derived(tmp_path, name, maker(made), LIMIT) for name in "abc")
    for hours, folder in enumerate((new, old, older), 1):
        moment = time.time() - 3600 * hours
        os.utime(folder, (moment, moment))
    size = sum(path.stat().st_size for path in new.iterdir())
    needed = derived(tmp_path, "d", maker(made), 2 * size)
    assert needed.exists() and new.exists() and old.exists()
    assert not older.exists()
