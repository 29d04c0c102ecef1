# SPDX-License-Identifier: GPL-3.0-or-later
"""Which wheel is taken."""

from __future__ import annotations

import pytest
from pip._vendor.packaging.requirements import Requirement
from pip._vendor.packaging.tags import sys_tags
from semblance.common.installation.indexes import Found
from semblance.common.installation.packages import Wanted, applying, best, read_lock, requirements_in, together

from tests.makers.wheels import lock_line, make_wheel

MINE = str(next(iter(sys_tags())))


def files(*names: str) -> list[Found]:
    return [Found(name, f"https://x/{name}", name) for name in names]


def wanted(text: str, *hashes: str) -> Wanted:
    return Wanted(Requirement(text), frozenset(hashes))


def test_a_lock_is_read_for_this_system(tmp_path):
    here, there = (make_wheel(tmp_path, name, "1.0") for name in ("here", "there"))
    text = "# made by uv\n" + lock_line(here, "ab12") + lock_line(there, marker="sys_platform == 'amiga'")
    (only,) = read_lock(text)
    assert only.name == "here"
    assert len(only.hashes) == 2


def test_the_wheel_that_fits_the_system_most_closely():
    name = f"a-1.0-{MINE}.whl"
    candidates = files(
        "a-1.0-py3-none-any.whl", name, "a-1.0-cp27-cp27m-amiga.whl", "a-1.0.tar.gz", "b-1.0-py3-none-any.whl"
    )
    assert best(wanted("a==1.0"), candidates).name == name
    assert best(wanted("a==2.0"), candidates) is None


def test_only_files_whose_hash_is_locked():
    candidates = files("a-1.0-py3-none-any.whl", f"a-1.0-{MINE}.whl")
    assert best(wanted("a==1.0", candidates[0].sha256), candidates) == candidates[0]
    assert best(wanted("a==1.0", "other"), candidates) is None


@pytest.mark.parametrize("build", ["", "+cpu", "+cu126"])
def test_a_build_is_not_taken_for_another(build):
    candidates = files(*(f"torch-2.13.0{each}-py3-none-any.whl" for each in ("+cpu", "", "+cu126")))
    assert best(wanted(f"torch==2.13.0{build}"), candidates).name == f"torch-2.13.0{build}-py3-none-any.whl"


def test_the_newest_of_a_range():
    candidates = files(*(f"a-{version}-py3-none-any.whl" for version in ("13.0.9", "13.0.10", "14.0")))
    assert best(wanted("a<14,>=13.0.3"), candidates).name == "a-13.0.10-py3-none-any.whl"


def test_what_a_wheel_needs_here(tmp_path):
    needs = ("cuda[blas,rt]==13 ; python_version > '3'", "old ; python_version < '3'", "more ; extra == 'all'")
    lines = requirements_in(make_wheel(tmp_path, "torch", "2.13.0", needs))
    (need,) = applying(lines, ())
    assert (need.name, need.extras) == ("cuda", {"blas", "rt"})
    assert [each.name for each in applying(lines, ("all",))] == ["cuda", "more"]


def test_what_several_ask_of_one_package_counts_together():
    asked = map(Requirement, ("nvidia_jit<14", "cuda[a]==13", "nvidia-jit==13.0.*", "cuda[b]"))
    jit, cuda = together(asked)
    assert str(jit.specifier) in ("<14,==13.0.*", "==13.0.*,<14")
    assert (str(cuda.specifier), cuda.extras) == ("==13", {"a", "b"})
