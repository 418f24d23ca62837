"""Objects of classes of results as their files have them."""

import json

from steerkit_core.results.converter import unstructured


def as_json(value):
    return json.loads(json.dumps(unstructured(value)))
