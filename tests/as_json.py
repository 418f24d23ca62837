"""Objects of classes of results as their files have them."""

import json

from steerkit_core.results.converter import structured, unstructured


def as_json(value):
    return json.loads(json.dumps(unstructured(value)))


def from_json(cls, document):
    """An object of a class of results, as if read from a file."""
    return structured(document, cls)
