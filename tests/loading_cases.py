"""Model folders of the loader's tests."""

import pytest

from steerkit_core import ModelError, ModelSpec, load_pretrained


def refused(function, *args, **kwargs):
    with pytest.raises(ModelError) as caught:
        function(*args, **kwargs)
    return str(caught.value)


def load(adapters, **options):
    return load_pretrained(ModelSpec(**{"id": "m", "device": "cpu", **options}), adapters)
