# SPDX-License-Identifier: GPL-3.0-or-later
"""Rendering with TensorRT in float16.

This has never met TensorRT's own libraries: it is written to the documented Python interface of TensorRT 10 and 11
(strongly typed networks, tensors by name), and tested with a stand-in for them that runs ONNX Runtime.
"""

from __future__ import annotations

import subprocess
from importlib import import_module
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ...common.errors import UserError
from ...common.files import written_whole
from ...common.progress import Listener, Progress, silent
from ..versions import own_version
from .onnx_file import OUTPUT, onnx_bytes
from .runtime import Exportable, agree
from .tensorrt_cache import EngineKey, least_exact

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import ModuleType

    from ...protocol.look import Look


def tensorrt_module() -> ModuleType:
    """The module `tensorrt`.

    Raises:
        UserError: it is not installed, or there is no GPU for it.
    """
    if not torch.cuda.is_available():
        raise UserError("TensorRT needs an NVIDIA GPU, and there is none here; export with --onnx.")
    try:
        return import_module("tensorrt")
    except ImportError as error:
        raise UserError(
            f"TensorRT is not installed: run “pip install {tensorrt_package(torch.version.cuda)}” with the engine's "
            "Python, or export with --onnx."
        ) from error


def tensorrt_package(cuda: str | None) -> str:
    """TensorRT's package for the CUDA that PyTorch was built with: "12.8" or the like; None where that is not known."""
    return f"tensorrt-cu{cuda.partition('.')[0]}" if cuda else "tensorrt"


class TensorRtRuntime:
    """An engine, ready to run.

    Args:
        engine: what `built` made.
        names: of its inputs, in the order of `run`.
        device: the GPU.

    Raises:
        UserError: TensorRT is not installed, or the engine is damaged or another machine's.
    """

    def __init__(self, engine: bytes, names: Sequence[str], device: torch.device) -> None:
        self.names, self.device = tuple(names), device
        trt = tensorrt_module()
        self.runtime = trt.Runtime(trt.Logger(trt.Logger.ERROR))
        self.engine = self.runtime.deserialize_cuda_engine(engine)
        if self.engine is None:
            raise UserError("TensorRT does not accept the engine; delete it and export the avatar again.")
        self.context = self.engine.create_execution_context()
        if self.context is None:
            raise UserError("The GPU's memory is too small for the engine; close other programs that use it.")
        self.output = torch.empty(tuple(self.engine.get_tensor_shape(OUTPUT)), device=device)
        self.context.set_tensor_address(OUTPUT, self.output.data_ptr())
        self.stream = torch.cuda.Stream()  # type: ignore[no-untyped-call,unused-ignore]

    def run(self, *inputs: Tensor) -> Tensor:
        """See `Runtime.run`."""
        held = [each.to(self.device, torch.float32).contiguous() for each in inputs]
        for name, each in zip(self.names, held, strict=True):
            self.context.set_tensor_address(name, each.data_ptr())
        self.stream.wait_stream(torch.cuda.current_stream())
        if not self.context.execute_async_v3(self.stream.cuda_stream):
            raise RuntimeError("TensorRT did not run the engine")
        self.stream.synchronize()
        return self.output


def engine_of(
    network: Exportable,
    avatar: str,
    look: Look,
    frames: Sequence[tuple[Tensor, ...]],
    folder: Path,
    listener: Listener = silent,
) -> Path:
    """The engine of a network for one look on this machine, which is built where there is none yet: that takes minutes.

    Args:
        network: the trained network, on the GPU.
        avatar: SHA-256 of its file.
        look: the look, with its time code.
        frames: inputs of real frames, on the GPU, of which the engine must paint what PyTorch does.
        folder: where engines are kept.

    Raises:
        UserError: TensorRT or its GPU is missing.
    """
    trt = tensorrt_module()
    gpu, driver = gpu_and_driver()
    file = EngineKey(gpu, driver, trt.__version__, own_version(), avatar, look).file(folder)
    if file.is_file():
        return file
    exact = network.plain(look)
    with torch.inference_mode():
        expected = [exact(*inputs) for inputs in frames]
    del exact  # TensorRT looks for the fastest in all the memory that it is left
    device = frames[0][0].device

    def build(groups: tuple[str, ...]) -> bytes:
        listener(Progress("Building the engine", 0, 1, f"float32: {', '.join(groups) or 'nothing'}"))
        return built(trt, onnx_bytes(network.plain(look, torch.float16, groups), network.example))

    def works(engine: bytes) -> bool:
        runtime = TensorRtRuntime(engine, list(network.example), device)
        return all(agree(runtime.run(*inputs), picture) for inputs, picture in zip(frames, expected, strict=True))

    engine, said = least_exact(network.sensitive, build, works)
    with written_whole(file) as partial:
        partial.write_bytes(engine)
    listener(Progress("Building the engine", 1, 1, said))
    return file


def built(trt: Any, model: bytes) -> bytes:
    """TensorRT's engine for an ONNX file, each layer in the type that the file gives it."""
    logger = trt.Logger(trt.Logger.ERROR)
    builder = trt.Builder(logger)
    typed = getattr(trt.NetworkDefinitionCreationFlag, "STRONGLY_TYPED", None)  # TensorRT 11 knows nothing else
    network = builder.create_network(0 if typed is None else 1 << int(typed))
    parser = trt.OnnxParser(network, logger)
    if not parser.parse(model):
        raise RuntimeError(f"TensorRT cannot read the network: {parser.get_error(0)}")
    engine = builder.build_serialized_network(network, builder.create_builder_config())
    if engine is None:
        raise RuntimeError("TensorRT could not build the engine")
    return bytes(engine)


def gpu_and_driver() -> tuple[str, str]:
    """The GPU's name and its driver's version."""
    asked = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    answer = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    return torch.cuda.get_device_name(), answer.splitlines()[0].strip()
