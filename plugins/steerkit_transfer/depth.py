"""Which layer of one model a layer of another corresponds to."""


def matched_layer(layer: int, num_layers: int, source_layers: int) -> int:
    """The source's layer at the relative depth of the target's `layer`: `int(source_layers * depth)`.

    In Mohammad, 2026, a depth is `int(num_layers * depth)` in every model. Here the depth is that of the
    target's layer, `layer / num_layers`, and whole numbers are divided, which no rounding can move.
    """
    return source_layers * layer // num_layers
