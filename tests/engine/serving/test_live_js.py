# SPDX-License-Identifier: GPL-3.0-or-later
"""`live.js` against the live door, run by Node.js: it starts, drives, comes back after a break, and is refused."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path

import cv2
import pytest
from semblance.engine.serving import live_run
from semblance.tests.engine.conftest import TOKEN
from semblance.tests.makers.footage import portrait
from semblance.tests.makers.live import StandInAvatar

CLIENT = Path(__file__).with_name("live_client.mjs")
NODE = shutil.which("node")


def node_version() -> int:
    """The major version of Node.js; 0 where there is none."""
    if NODE is None:
        return 0
    said = subprocess.run([NODE, "--version"], capture_output=True, text=True, check=True, timeout=60).stdout
    return int(said.lstrip("v").partition(".")[0])


@pytest.mark.slow
@pytest.mark.skipif(node_version() < 20, reason="Node.js 20, which knows WebSocket, is not installed")
def test_the_pages_module_speaks_with_the_door(engine, monkeypatch):
    monkeypatch.setattr(live_run, "Avatar", type("Avatar", (), {"load": staticmethod(lambda _path: StandInAvatar())}))
    engine.home.avatar("me").write_bytes(b"a stand-in")
    jpeg = base64.b64encode(cv2.imencode(".jpg", portrait())[1].tobytes()).decode()
    url = f"ws://127.0.0.1:{engine.client.base_url.port}/v1/live"
    words = [str(NODE), "--experimental-websocket", "--experimental-default-type=module", str(CLIENT), url, TOKEN]
    ran = subprocess.run(words, capture_output=True, text=True, timeout=240, env={**os.environ, "JPEG": jpeg})
    assert ran.returncode == 0, ran.stderr
    heard = json.loads(ran.stdout)
    assert heard["started"]["kind"] == "stand-in"
    assert [each["type"] for each in heard["states"]].count("reconnecting") == 1
    assert any("latency" in each for each in heard["controls"][heard["again"] :]), "its values were said anew"
    assert all(0 <= each["latency"] < 240 for each in heard["controls"] if "latency" in each)
    assert heard["controls"][0]["type"] == "image/jpeg"
    assert heard["sent"] == [True, False], "the second would have come too soon"
    assert heard["pictures"][0]["shows"] == 1
    assert heard["refused"]["code"] == 4401
    assert heard["refused"]["sentence"].startswith("The token is wrong")
