"""A component whose module imports torch as soon as it is imported itself; its contract is elsewhere."""

import torch
from attrs import frozen

from steerkit_core import Prompt, PromptSet

COUNT = torch.tensor(1)


@frozen(kw_only=True)
class Slow(PromptSet):
    """One prompt, and a long wait."""

    name = "slow"

    def prompts(self):
        return (Prompt("p1", "Hello"),)
