# SPDX-License-Identifier: GPL-3.0-or-later
"""When an environment counts as whole."""

from __future__ import annotations

import zipfile

import pytest
from semblance.common.installation.completeness import whole_packages
from semblance.common.installation.stamp import NAME, Stamp, digest_of_sources, read_stamp

from tests.makers.wheels import make_wheel


def test_the_digest_of_sources_notices_every_change(tmp_path):
    (tmp_path / "room" / "__pycache__").mkdir(parents=True)
    (tmp_path / "room" / "a.py").write_text("a = 1\n")
    (tmp_path / "setup.py").write_text("")
    seen = {digest_of_sources(tmp_path, ["room"], ["setup.py"])}
    (tmp_path / "room" / "__pycache__" / "a.pyc").write_text("compiled")
    assert digest_of_sources(tmp_path, ["room"], ["setup.py"]) in seen
    for change in ("room/a.py", "room/data.npz", "setup.py"):
        (tmp_path / change).write_text("other")
        seen.add(digest_of_sources(tmp_path, ["room"], ["setup.py"]))
    (tmp_path / "room" / "data.npz").rename(tmp_path / "room" / "moved.npz")
    seen.add(digest_of_sources(tmp_path, ["room"], ["setup.py"]))
    assert len(seen) == 5


def test_a_stamp_is_read_back_and_nonsense_is_none(tmp_path):
    stamp = Stamp("locks", "torch==2.13.0", "sources", "0.1.0", ("numpy", "torch"))
    stamp.write(tmp_path)
    assert read_stamp(tmp_path) == stamp
    assert read_stamp(tmp_path).packages == stamp.packages
    for text in ("5f3a", "{}", "[1]", '{"locks": 1, "more": 2}'):
        (tmp_path / NAME).write_text(text)
        assert read_stamp(tmp_path) is None
    assert read_stamp(tmp_path / "none") is None


@pytest.mark.parametrize("place", ["lib/python3.11/site-packages", "Lib/site-packages"])
def test_a_package_that_lacks_a_file_or_has_it_cut_short_is_not_whole(tmp_path, place):
    site = tmp_path / place
    for name in ("alpha", "beta", "gamma", "delta_x"):
        zipfile.ZipFile(make_wheel(tmp_path / "wheels", name, "1.0", padding=100)).extractall(site)
    (site / "beta" / "__init__.py").unlink()
    (site / "gamma" / "padding.bin").write_bytes(b"short")
    assert whole_packages(tmp_path) == {"alpha": "1.0", "delta-x": "1.0"}
    assert whole_packages(tmp_path / "none") == {}
