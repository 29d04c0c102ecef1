#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Measures training and rendering on a CUDA machine:  sh benchmarks/gpu.sh [DATASET] [--minutes 12] [--out FILE.md]
# DATASET is a folder that `semblance track` wrote, carried there; without one a drawn disc serves. Needs the engine's
# environment with a CUDA build of PyTorch. Set PYTHON to use another one than the checkout's.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-$here/../.venv/engine/bin/python}
exec "$python" "$here/gpu.py" "$@"
