"""Loading models with transformers and bitsandbytes, and proving that they can be edited."""

from steerkit_core.model.loading.choose import choose_adapter, choose_device
from steerkit_core.model.loading.fingerprint import fingerprint_folder
from steerkit_core.model.loading.load import hidden_size, identify, load_pretrained, load_tokenizer, record
from steerkit_core.model.loading.verify import verify

__all__ = [
    "choose_adapter",
    "choose_device",
    "fingerprint_folder",
    "hidden_size",
    "identify",
    "load_pretrained",
    "load_tokenizer",
    "record",
    "verify",
]
