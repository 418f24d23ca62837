"""bitsandbytes: int8 (LLM.int8) and int4 (NF4), with the same arithmetic on every machine."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import torch
from transformers import BitsAndBytesConfig

from steerkit_core.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from transformers import PreTrainedModel

# said on every matrix product, and on every load; neither is news, and neither can be acted upon
_NOISE = {
    "bitsandbytes.autograd._functions": "MatMul8bitLt: inputs will be cast",
    "bitsandbytes.backends.cpu.ops": "Failed to load CPU gemm_4bit_forward from kernels-community",
}


def quantization_config(wanted: str, dtype: str) -> BitsAndBytesConfig:
    """What transformers needs to quantize while it loads; int4 computes in `dtype`, int8 in float16."""
    configure: Any = BitsAndBytesConfig  # untyped in transformers
    if wanted == "int8":
        return cast("BitsAndBytesConfig", configure(load_in_8bit=True))
    four_bit = configure(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=getattr(torch, dtype)
    )
    return cast("BitsAndBytesConfig", four_bit)


def keep_compute_dtype(model: PreTrainedModel, dtype: str) -> None:
    """Stop int4 layers from computing in bfloat16 where something else was asked for.

    On a processor with AVX512-BF16, bitsandbytes repacks 4-bit weights at the first forward and computes
    in bfloat16 from then on, so that a float32 run would differ from machine to machine. The repacking
    also fails for an output width that is not a multiple of 32, or an input width not of 64.
    """
    from bitsandbytes.nn.modules import Linear4bit

    for module in model.modules():
        fits = isinstance(module, Linear4bit) and not (module.out_features % 32 or module.in_features % 64)
        if isinstance(module, Linear4bit) and (dtype != "bfloat16" or not fits):
            module.support_avx512bf16_for_cpu = False


def check_support(wanted: str, device: str) -> None:
    """Refuse a quantization that bitsandbytes cannot do on `device`, before anything is read.

    Raises:
        ModelError: bitsandbytes does not support the device, or its library could not be loaded.
    """
    if wanted == "none":
        return
    quiet_bitsandbytes()  # before the import, which says one of the two
    import bitsandbytes

    kind = device.partition(":")[0]
    devices = sorted(getattr(bitsandbytes, "supported_torch_devices", (kind,)))
    if kind not in devices:
        raise ModelError(f"{_unsupported(wanted, device)} (supported: {', '.join(devices)})")
    # where its library is missing, a stand-in raises at the first use; on a CPU torch alone is enough.
    # the real library answers to every name with a function, the stand-in has a text
    library = getattr(getattr(bitsandbytes, "cextension", None), "lib", None)
    if kind != "cpu" and isinstance(getattr(library, "formatted_error", None), str):
        raise ModelError(f"{_unsupported(wanted, device)}: its library for it could not be loaded")


@contextmanager
def supported(wanted: str, device: str) -> Iterator[None]:
    """Turn what bitsandbytes says of a device into a `ModelError`; anything else passes as it is."""
    try:
        yield
    except (RuntimeError, ImportError) as error:
        if wanted == "none" or "bitsandbytes" not in str(error):
            raise
        raise ModelError(_unsupported(wanted, device)) from error


def _unsupported(wanted: str, device: str) -> str:
    return (
        f"quantization {wanted!r} does not work on this machine: bitsandbytes has no support for device"
        f" {device!r}"
    )


def quiet_bitsandbytes() -> None:
    """Drop two messages of bitsandbytes; adding the same filter again changes nothing."""
    for logger in _NOISE:
        logging.getLogger(logger).addFilter(_is_news)


def _is_news(record: logging.LogRecord) -> bool:
    return not str(record.msg).startswith(_NOISE.get(record.name, "\0"))
