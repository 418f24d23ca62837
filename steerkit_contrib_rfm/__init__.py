"""Recursive feature machines (Radhakrishnan et al., 2024; Beaglehole et al., 2026): extractor `rfm`."""

from steerkit_contrib_rfm.extractor import RecursiveFeatureMachine
from steerkit_core import Extractor, hookimpl


@hookimpl
def steerkit_register_extractors() -> list[type[Extractor]]:
    """Bring `rfm`."""
    return [RecursiveFeatureMachine]
