# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages of package indexes, and folders of wheels."""

from __future__ import annotations

import json

import pytest
from semblance.common.errors import UserError
from semblance.common.installation.indexes import HASHES_FILE, files_of, read_html, read_json

from tests.makers.wheels import make_wheel, sha256_of

ADDRESS = "https://example.org/whl/cu126/torch/"


def test_a_page_in_html():
    page = """<a href="/whl/cu126/torch-2.13.0%2Bcu126-cp311-cp311-linux_x86_64.whl#sha256=ab12">torch</a>
    <a data-yanked="broken" href="torch-2.12.0.whl">old</a> <a href="torch-2.11.whl">no hash</a>"""
    first, second = read_html(ADDRESS, page)
    assert first.name == "torch-2.13.0+cu126-cp311-cp311-linux_x86_64.whl"
    assert first.url == "https://example.org/whl/cu126/torch-2.13.0%2Bcu126-cp311-cp311-linux_x86_64.whl"
    assert (first.sha256, second.sha256) == ("ab12", "")


def test_a_page_in_json():
    files = [
        {"filename": "a-1-py3-none-any.whl", "url": "../../a-1.whl", "hashes": {"sha256": "ab"}, "size": 12},
        {"filename": "a-2-py3-none-any.whl", "url": "https://x/a-2.whl", "hashes": {}, "yanked": "why not"},
    ]
    (found,) = read_json(ADDRESS, json.dumps({"files": files}))
    assert (found.url, found.sha256, found.size) == ("https://example.org/whl/a-1.whl", "ab", 12)


def test_a_folder_with_and_without_its_list_of_hashes(tmp_path):
    wheel = make_wheel(tmp_path, "my_lib", "1.0")
    make_wheel(tmp_path, "other", "1.0")
    (found,) = files_of(str(tmp_path), "My.Lib")
    assert (found.name, found.sha256, found.size) == (wheel.name, "", wheel.stat().st_size)
    (tmp_path / HASHES_FILE).write_text(f"{sha256_of(wheel)}  {wheel.name}\n")
    assert files_of(str(tmp_path), "my-lib")[0].sha256 == sha256_of(wheel)


def test_an_index_that_cannot_be_reached_is_named():
    with pytest.raises(UserError, match=r"127\.0\.0\.1 cannot be reached.*try again"):
        files_of("http://127.0.0.1:9", "torch")
