# SPDX-License-Identifier: GPL-3.0-or-later
"""Foreign pickles: arrays come out, nothing is run, and whatever the bytes are the answer is a dict or a sentence."""

import collections
import os
import pickle
import tracemalloc
from contextlib import suppress
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csc_matrix
from semblance.common.errors import UserError
from semblance.tracking.heads.unpickling import load_array_dict, load_pickled_dict

LOADERS = (load_array_dict, load_pickled_dict)
CONTENT = {
    "floats": np.arange(12, dtype=np.float32).reshape(3, 4),
    "columns": np.asfortranarray(np.arange(6).reshape(2, 3)),
    "big": np.arange(3, dtype=">i2"),
    "names": np.array(["a", "bc"]),
    "objects": np.array(["a", "bc"], object),
    "nested": {"skin": np.ones(2, bool), "list": [1, 2.5, "x"]},
    "nothing": np.zeros((0, 3)),
}


def saved(content, protocol=4):
    """The bytes of an `.npy` file that holds a pickled dict."""
    file = BytesIO()
    np.lib.format.write_array_header_1_0(file, {"shape": (), "fortran_order": False, "descr": "|O"})
    return file.getvalue() + pickle.dumps(np.array(content, object), protocol)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_arrays_come_out_as_they_were(tmp_path, protocol):
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(CONTENT, protocol))
    found = load_pickled_dict(tmp_path / "a.pkl") if protocol < 5 else None
    if protocol > 2:
        (tmp_path / "a.npy").write_bytes(saved(CONTENT, min(protocol, 4)))
        found = load_array_dict(tmp_path / "a.npy")
    for name, value in CONTENT.items():
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(found[name], value)
            assert found[name].dtype.kind == value.dtype.kind
    np.testing.assert_array_equal(found["nested"]["skin"], [True, True])
    assert found["nested"]["list"] == [1, 2.5, "x"]


def test_sparse_matrices_become_arrays(tmp_path):
    dense = np.array([[0, 1.5, 0], [2, 0, 0]])
    for protocol in (0, 1, 2, 4):
        (tmp_path / "a.pkl").write_bytes(pickle.dumps({"m": csc_matrix(dense)}, protocol))
        np.testing.assert_array_equal(load_pickled_dict(tmp_path / "a.pkl")["m"], dense)


class Villain:
    def __init__(self, function=os.mkdir, arguments=("villain-was-here",)):
        self.does = function, arguments

    def __reduce__(self):
        return self.does


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize(
    "villain",
    [
        Villain(),
        Villain(eval, ("__import__('os').mkdir('villain-was-here')",)),
        Villain(getattr, ("", "join")),
        collections.OrderedDict(a=1),
        np.ma.zeros(2),
        np.float64(1),
    ],
)
def test_code_and_strangers_are_refused(tmp_path, monkeypatch, loader, villain):
    monkeypatch.chdir(tmp_path)
    content = {"good": np.zeros(2), "bad": villain}
    (tmp_path / "a").write_bytes(saved(content) if loader is load_array_dict else pickle.dumps(content))
    with pytest.raises(UserError, match="was not read: it holds"):
        loader(tmp_path / "a")
    assert not (tmp_path / "villain-was-here").exists()


def test_what_is_shared_is_worked_on_once(tmp_path):
    shared = [0]
    for _ in range(60):
        shared = [shared, shared]
    (tmp_path / "a.pkl").write_bytes(pickle.dumps({"a": shared}))
    assert "a" in load_pickled_dict(tmp_path / "a.pkl")


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"\x80\x02}r\x00\x00\x00\x01.", id="remembered by a high number"),
        pytest.param(b"}p16777216\n.", id="by a high number in text"),
        pytest.param(
            pickle.dumps({"m": csc_matrix(np.eye(2))}, 2).replace(b"K\x02K\x02", b"K\x02J\x00\x00\x00\x02"),
            id="a matrix of more columns than it has",
        ),
    ],
)
def test_memory_is_not_taken_at_a_files_word(place, content):
    place.write_bytes(content)
    tracemalloc.start()
    with pytest.raises(UserError, match="is damaged"):
        load_pickled_dict(place)
    taken = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert taken < 10e6


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("any") / "file"


def answered(place, content):
    """Every loader gives a dict or one sentence for these bytes."""
    place.write_bytes(content)
    for loader in LOADERS:
        with suppress(UserError):
            assert isinstance(loader(place), dict)


@settings(max_examples=150)
@given(content=st.binary(max_size=200), headed=st.booleans())
def test_random_bytes(place, content, headed):
    answered(place, saved({})[:80] * headed + content)


GOOD = (saved(CONTENT), pickle.dumps({"m": csc_matrix(np.eye(2)), **CONTENT}, 2))


@settings(max_examples=400)
@given(
    good=st.sampled_from(GOOD),
    changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=4),
    length=st.floats(0.2, 1),
)
def test_damaged_pickles(place, good, changes, length):
    content = bytearray(good[: int(len(good) * length)])
    for where, byte in changes:
        content[int(where * len(content))] = byte
    answered(place, bytes(content))
