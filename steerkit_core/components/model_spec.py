"""Which model is wanted: the keys of `[model]`."""

from typing import Literal

from attrs import frozen

from steerkit_core.components.options import option

DType = Literal["auto", "float32", "float16", "bfloat16"]
Quantization = Literal["none", "int8", "int4"]
Backend = Literal["auto", "hooks", "nnsight"]


def model_label(model: str, quantization: str) -> str:
    """What a model is called beside others: `a/b`, or `a/b (int4)` where it is quantized."""
    return model if quantization == "none" else f"{model} ({quantization})"


@frozen(kw_only=True)
class ModelSpec:
    """Which model, and how it is loaded."""

    id: str = option(help="a bundled model (bundled:qwen2-s), a local folder, or a hub repository")
    revision: str = option("main", help="branch, tag or commit on the hub; the run records the commit")
    dtype: DType = option("auto", help="auto is float32 on a CPU and bfloat16 elsewhere")
    quantization: Quantization = option("none", help="int8 or int4 (NF4) by bitsandbytes")
    device: str = option("auto", help="auto, cpu, cuda, cuda:1, ...; auto takes a GPU where there is one")
    backend: Backend = option(
        "auto", help="how tensors are reached; auto takes hooks, and nnsight for a remote model"
    )
    remote: bool = option(
        False, help="leave the model on NDIF's servers (https://ndif.us), reached through nnsight"
    )
    trust_remote_code: bool = option(False, help="allow code from the model's repository to run")

    @property
    def label(self) -> str:
        """What the model is called beside others; see `model_label`."""
        return model_label(self.id, self.quantization)
