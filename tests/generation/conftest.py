"""The tiny models that both rooms, generation and model, are tried on."""

from tiny_handles import handles, naive_generate, prompts  # noqa: F401  # reason: fixtures
