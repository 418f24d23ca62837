"""What every component has."""

from __future__ import annotations

from abc import ABC
from typing import ClassVar


class Component(ABC):
    """What every component has: a name that recipes use, and options as attrs fields.

    `reference` says where the method comes from, and `cost` what it costs in forward passes of the model;
    both are shown by `steerkit plugins show` and may be left out.
    """

    name: ClassVar[str]
    reference: ClassVar[str] = ""
    cost: ClassVar[str] = ""
