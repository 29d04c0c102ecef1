# SPDX-License-Identifier: GPL-3.0-or-later
"""The manual can be built, leads nowhere wrong, and asks no server for anything."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MOST_PICTURE_BYTES = 200_000


def test_the_manual_is_whole_and_needs_no_network(tmp_path):
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", tmp_path]
    built = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    )
    assert built.returncode == 0, built.stdout + built.stderr
    for page in tmp_path.glob("*.html"):
        loaded = re.findall(r"<(?:script|link|img)\b[^>]*\b(?:src|href)=[\"']?(https?://[^\"' >]+)", page.read_text())
        assert not loaded, f"{page.name} loads {loaded}"


def test_the_manual_s_screenshots_are_small():
    for picture in (ROOT / "docs" / "pictures").glob("*.webp"):
        assert picture.stat().st_size < MOST_PICTURE_BYTES, picture.name
