"""What an export has written, for people and for programs."""

from __future__ import annotations

from attrs import field, frozen

from steerkit_core.results.fields import OMIT


@frozen(kw_only=True)
class WrittenTable:
    """A table that was written: which, of what size."""

    file: str
    format: str
    table: str
    rows: int
    columns: tuple[str, ...]

    @property
    def words(self) -> str:
        """What is in the file."""
        return f"{self.rows} {self.table}, {len(self.columns)} columns"


@frozen(kw_only=True)
class WrittenDirections:
    """Directions that were written, with their `positions`; or what a cell adds, with its `lengths`."""

    file: str
    format: str
    cell: str
    model: str | None
    positions: tuple[int, ...] | None = field(default=None, metadata=OMIT)
    layers: tuple[int, ...]
    lengths: tuple[float, ...] | None = field(default=None, metadata=OMIT)

    @property
    def words(self) -> str:
        """What is in the file."""
        first, last = self.layers[0], self.layers[-1]
        span = f"layer {first}" if len(self.layers) == 1 else f"layers {first} to {last}"
        whose = f"cell {self.cell}, for {self.model}"
        if self.positions is not None:
            return f"directions at {span}, position {', '.join(map(str, self.positions))}, of {whose}"
        lengths = list(dict.fromkeys(f"{length:.4g}" for length in sorted(self.lengths or ())))
        length = lengths[0] if len(lengths) == 1 else f"{lengths[0]} to {lengths[-1]}"
        return f"what is added at {span}, of length {length}, of {whose}"
