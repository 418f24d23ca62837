"""Sites inside a block: `attention-add`, `mlp-add`, `head-add`."""

from steerkit_core import Site, hookimpl
from steerkit_modules.heads import HeadAdd
from steerkit_modules.outputs import AttentionAdd, MlpAdd


@hookimpl
def steerkit_register_sites() -> list[type[Site]]:
    """Bring `attention-add`, `mlp-add` and `head-add`."""
    return [AttentionAdd, HeadAdd, MlpAdd]
