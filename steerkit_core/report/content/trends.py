"""Rates by model size as people read them."""

from __future__ import annotations

from steerkit_core.report.content.evidence import p_value
from steerkit_core.report.content.maps import in_words
from steerkit_core.report.content.percent import interval
from steerkit_core.results.findings import Trend, TrendSize

HEADINGS = ("model", "parameters", "layer", "mult.", "strength", "refusal", "95% CI")


def trend_title(entry: Trend) -> str:
    """Which configurations the trend is of."""
    parts = [entry.model_type, entry.prompts]
    if entry.quantization != "none":
        parts.append(entry.quantization)
    parts += [f"{name} = {in_words(name, value)}" for name, value in entry.overrides.items() if value]
    return f"refusals by model size: {', '.join(parts)}"


def trend_rows(entry: Trend) -> list[tuple[str, ...]]:
    """Each model as `HEADINGS` names its columns, the smallest first."""
    return [_columns(one) for one in entry.sizes]


def trend_line(entry: Trend) -> str:
    """What the test has found, as a sentence."""
    way = "more" if entry.z > 0 else "fewer"
    found = f"{way} with size" if entry.p_holm < 0.05 else "no trend shown"
    return (
        f"Cochran-Armitage over the logarithm of the size: z = {entry.z:+.2f},"
        f" p {_is(entry.p)}, by Holm {_is(entry.p_holm)}: {found}"
    )


def _columns(one: TrendSize) -> tuple[str, ...]:
    rate = one.rate
    residual = None if one.strength is None else one.strength.residual
    return (
        one.model,
        _short(one.parameters),
        str(one.layer),
        "-" if one.multiplier is None else f"{one.multiplier:g}",
        "-" if residual is None else f"{residual:.3g}",
        f"{rate.k}/{rate.n}",
        interval(rate, "-"),
    )


def _short(parameters: int) -> str:
    for size, letter in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if parameters >= size:
            return f"{parameters / size:.3g}{letter}"
    return str(parameters)


def _is(p: float) -> str:
    return f"= {p_value(p)}".replace("= <", "< ")
