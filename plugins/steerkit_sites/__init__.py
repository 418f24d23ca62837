"""Sites: five operations at four hook points of a block, and `conditional`.

`add`, `ablate`, `clamp`, `affine` and `reflect` edit the residual stream (`residual-add`, ...), the outputs
of attention or MLP (`attention-add`, `mlp-add`, ...) or single heads (`head-add`, ...).
Each operation is a file of its own, whose last statement makes its four sites; `hook_points` has the table
of hook points.
"""

from steerkit_core import Site, hookimpl
from steerkit_sites.ablate import AttentionAblate, HeadAblate, MlpAblate, ResidualAblate
from steerkit_sites.add import AttentionAdd, HeadAdd, MlpAdd, ResidualAdd
from steerkit_sites.affine import AttentionAffine, HeadAffine, MlpAffine, ResidualAffine
from steerkit_sites.clamp import AttentionClamp, HeadClamp, MlpClamp, ResidualClamp
from steerkit_sites.conditional import Conditional
from steerkit_sites.reflect import AttentionReflect, HeadReflect, MlpReflect, ResidualReflect

OPERATIONS = (
    (ResidualAdd, AttentionAdd, MlpAdd, HeadAdd),
    (ResidualAblate, AttentionAblate, MlpAblate, HeadAblate),
    (ResidualClamp, AttentionClamp, MlpClamp, HeadClamp),
    (ResidualAffine, AttentionAffine, MlpAffine, HeadAffine),
    (ResidualReflect, AttentionReflect, MlpReflect, HeadReflect),
)


@hookimpl
def steerkit_register_sites() -> list[type[Site]]:
    """Bring every operation at every hook point, and `conditional`."""
    return [*(site for sites in OPERATIONS for site in sites), Conditional]
