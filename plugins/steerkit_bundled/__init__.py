"""Small chat models that ship with the package, so that everything can be run without a network."""

from pathlib import Path

MODELS_FOLDER = Path(__file__).parent / "models"


def names() -> tuple[str, ...]:
    """The bundled models' names, sorted."""
    return tuple(sorted(path.parent.name for path in MODELS_FOLDER.glob("*/config.json")))


def folder(name: str) -> Path:
    """The folder of one bundled model, for `AutoModelForCausalLM.from_pretrained`.

    Raises KeyError when there is no bundled model of that name.
    """
    if name not in names():
        raise KeyError(f"bundled model: no model named {name!r} (bundled: {', '.join(names())})")
    return MODELS_FOLDER / name
