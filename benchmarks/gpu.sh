#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Measures training and rendering on a CUDA machine:  sh benchmarks/gpu.sh DATASET [PRESET [MINUTES]]
# DATASET is a folder that `semblance track` wrote, carried there; needs the engine's environment with a CUDA build of
# PyTorch. Set PYTHON to use another one than the checkout's.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-$here/../.venv/engine/bin/python}
[ $# -ge 1 ] || { echo "usage: sh benchmarks/gpu.sh DATASET [PRESET [MINUTES]]" >&2; exit 2; }
exec "$python" "$here/gpu.py" "$@"
