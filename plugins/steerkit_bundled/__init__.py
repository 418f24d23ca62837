"""Small chat models that ship with the package, so that everything can be run without a network."""

from pathlib import Path

from steerkit_core import ModelError, hookimpl, nearest

MODELS_FOLDER = Path(__file__).parent / "models"
SCHEME = "bundled:"


def names() -> tuple[str, ...]:
    """The bundled models' names, sorted."""
    return tuple(sorted(path.parent.name for path in MODELS_FOLDER.glob("*/config.json")))


def folder(name: str) -> Path:
    """The folder of one bundled model, for `AutoModelForCausalLM.from_pretrained`.

    Raises:
        ModelError: there is no bundled model of that name.
    """
    if name not in names():
        raise ModelError(
            f"no bundled model named {name!r}{nearest(name, names())} (bundled: {', '.join(names())})"
        )
    return MODELS_FOLDER / name


@hookimpl
def steerkit_locate_model(id: str) -> Path | None:  # noqa: A002  # reason: the hook's own argument
    """Answer for ids that begin with `bundled:`."""
    return folder(id.removeprefix(SCHEME)) if id.startswith(SCHEME) else None
