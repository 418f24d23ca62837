"""The kit for authors of plugins."""

from steerkit_core.testing.families import FAMILIES
from steerkit_core.testing.tiny import TinyModels, save_tiny, tiny_handle, tiny_model, tiny_tokenizer

__all__ = ["FAMILIES", "TinyModels", "save_tiny", "tiny_handle", "tiny_model", "tiny_tokenizer"]
