"""`steerkit import`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

import click

from steerkit_core.cli.application import application_of
from steerkit_core.cli.export import DIRECTION_FORMATS, target
from steerkit_core.cli.output import json_option, print_json


@click.command("import", short_help="Import another tool's vectors as directions.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--from",
    "form",
    type=click.Choice(DIRECTION_FORMATS),
    help="The format.  [default: by the file's first bytes]",
)
@click.option("--model", required=True, help="Model the vectors are for: bundled, a folder, or on the hub.")
@click.option("--revision", default="main", show_default=True, help="Branch, tag or commit on the hub.")
@click.option(
    "--position",
    type=click.IntRange(max=-1),
    default=-1,
    show_default=True,
    help="Token position the vectors were read at.",
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="The file.  [default: NAME-directions.safetensors]"
)
@click.option("--force", is_flag=True, help="Overwrite an existing file.")
@json_option
@click.pass_context
def import_vectors(
    context: click.Context,
    /,
    file: Path,
    form: str | None,
    model: str,
    revision: str,
    position: int,
    out: Path | None,
    *,
    force: bool,
    as_json: bool,
) -> None:
    """Read the vectors in FILE, one for each block, and write directions for the extractor `transfer`.

    GGUF control vectors (llama.cpp, repeng), files of steering-vectors, and safetensors whose tensors have
    names that end in the number of a block are read. The lengths of the vectors become those before
    normalising, so that a site with unit "raw" and multiplier 1 adds them as they were.

    \b
    Examples:
        steerkit import honest.gguf --model bundled:mistral-s
        steerkit import vector.pt --from steering-vectors --model bundled:qwen2-s --out honest.safetensors
    """
    from hashlib import sha256

    from attrs import asdict

    from steerkit_core.components import Method
    from steerkit_core.components.model_spec import ModelSpec
    from steerkit_core.export.foreign import Format, as_directions, format_of, read_vectors
    from steerkit_core.model.loaded_models import LoadedModels

    path = target(out, f"{file.stem}-directions.safetensors", force=force)
    kind = cast("Format", form or format_of(file))
    vectors = read_vectors(file, kind)
    models, spec = LoadedModels(application_of(context).registry), ModelSpec(id=model, revision=revision)
    record = models.record(spec)
    found = as_directions(vectors, record, file, position)
    origin = {"file": file.name, "sha256": sha256(file.read_bytes()).hexdigest()}
    method = Method(use=kind, options=origin)
    facts = {
        "model": dict(models.identity(spec)),
        "record": asdict(record),
        "extractor": asdict(method),
    }
    found.save(path, facts=facts)
    layers = list(found.layers)
    if as_json:
        print_json({"file": str(path), "from": kind, "model": model, "layers": layers})
        return
    click.echo(f"{path}: directions of {file} at the layers {', '.join(map(str, layers))}, for {model}")
    click.echo(f'use them with\n    [extractor]\n    use = "transfer"\n    file = {json.dumps(str(path))}')
