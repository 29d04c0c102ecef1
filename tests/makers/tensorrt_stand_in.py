# SPDX-License-Identifier: GPL-3.0-or-later
"""TensorRT's Python interface, as far as Semblance uses it, over ONNX Runtime and the processor's memory."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import onnxruntime

__version__ = "11.0.stand-in"


class Logger:
    ERROR = 1

    def __init__(self, level: int) -> None:
        self.level = level


class NetworkDefinitionCreationFlag:
    STRONGLY_TYPED = 1


class Network:
    model = b""


class Builder:
    """An "engine" is the ONNX model itself."""

    def __init__(self, logger: Logger) -> None:
        self.logger = logger

    def create_network(self, flags: int) -> Network:
        assert flags == 1 << NetworkDefinitionCreationFlag.STRONGLY_TYPED
        return Network()

    def create_builder_config(self) -> object:
        return object()

    def build_serialized_network(self, network: Network, config: object) -> bytes:
        return network.model


class OnnxParser:
    def __init__(self, network: Network, logger: Logger) -> None:
        self.network = network

    def parse(self, model: bytes) -> bool:
        self.network.model = model
        return True


class Runtime:
    def __init__(self, logger: Logger) -> None:
        self.logger = logger

    def deserialize_cuda_engine(self, engine: bytes) -> Engine | None:
        try:
            return Engine(onnxruntime.InferenceSession(engine, providers=["CPUExecutionProvider"]))
        except Exception:  # ONNX Runtime's own errors share no base class
            return None


class Engine:
    def __init__(self, session: Any) -> None:
        self.session = session

    def get_tensor_shape(self, name: str) -> list[int]:
        every = [*self.session.get_inputs(), *self.session.get_outputs()]
        return next(each.shape for each in every if each.name == name)

    def create_execution_context(self) -> Context:
        return Context(self)


class Context:
    """Reads and writes float32 where it is told to."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.addresses: dict[str, int] = {}

    def set_tensor_address(self, name: str, address: int) -> None:
        self.addresses[name] = address

    def execute_async_v3(self, stream: int) -> bool:
        session = self.engine.session
        given = {each.name: self.at(each.name).copy() for each in session.get_inputs()}
        for each, made in zip(session.get_outputs(), session.run(None, given), strict=True):
            self.at(each.name)[:] = made
        return True

    def at(self, name: str) -> np.ndarray:
        shape = self.engine.get_tensor_shape(name)
        memory = ctypes.cast(self.addresses[name], ctypes.POINTER(ctypes.c_float))
        return np.ctypeslib.as_array(memory, tuple(shape))
