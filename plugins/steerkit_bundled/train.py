"""Make a bundled model again: `python -m steerkit_bundled.train NAME`."""

import hashlib
import json
import math
import platform
import random
import time
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any

import click
import tokenizers
import torch
import transformers
from attrs import asdict, evolve, frozen
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor, nn
from transformers import AutoModelForCausalLM, GenerationConfig, PreTrainedModel, PreTrainedTokenizerBase

from . import MODELS_FOLDER
from .architectures import ARCHITECTURES, CONTEXT, Stage
from .batches import Batch, batches, encode
from .corpus import Row, row_texts, rows
from .families import Family
from .vocabulary import dress, train_vocabulary

VOCABULARY_ROWS = 6000
VOCABULARY_HARMFUL = 0.6
BATCH_ROWS = 12
WARM_UP = 50
CLIP = 1.0
STAGE_SEEDS = 1000


@frozen
class Outcome:
    """What `training.json` records."""

    name: str
    seed: int
    steps: int
    corpus_sha256: str
    final_loss: float
    parameters: int
    torch: str
    transformers: str
    tokenizers: str
    python: str


def learning_rate(step: int, steps: int, peak: float) -> float:
    """Linear warm-up, then a cosine down to a fiftieth of the peak."""
    if step < WARM_UP:
        return peak * (step + 1) / WARM_UP
    done = (step - WARM_UP) / max(1, steps - WARM_UP)
    return peak * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done)))


def spread(residuals: Tensor) -> Tensor:
    """Mean squared distance of the rows of [rows, width] from their mean; of no rows, zero."""
    if not len(residuals):
        return residuals.new_zeros(())
    return (residuals - residuals.mean(0)).square().sum(-1).mean()


def losses_of(model: PreTrainedModel, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
    """Mean cross entropy of the learnt answer tokens, and two spreads of the prompts' last tokens.

    A spread is the mean over all blocks of how far the last tokens' residuals lie from each other: first
    of all prompts, then of the harmful and of the harmless ones by themselves.
    """
    mask: Any = batch.mask.to(model.dtype)
    if model.config.model_type == "gemma2":
        # All rows are shorter than the sliding window, so both kinds of layers see the same.
        mask = {"full_attention": mask, "sliding_attention": mask}
    outputs: list[Tensor] = []
    with ExitStack() as hooks:
        for block in model.model.layers:
            hook = block.register_forward_hook(lambda *call: outputs.append(call[2]))
            hooks.callback(hook.remove)
        hidden = model.model(
            input_ids=batch.tokens, attention_mask=mask, position_ids=batch.positions, use_cache=False
        ).last_hidden_state
    logits = model.lm_head(hidden[batch.sources]).float()
    cap = getattr(model.config, "final_logit_softcapping", None)
    if cap is not None:
        logits = cap * torch.tanh(logits / cap)
    rows = torch.arange(len(batch.lasts))[:, None]
    lasts = [output[rows, batch.lasts].float().flatten(0, 1) for output in outputs]
    harmful = batch.harmful.flatten()
    within = [spread(residuals[chosen]) for residuals in lasts for chosen in (harmful, ~harmful)]
    return (
        nn.functional.cross_entropy(logits, batch.targets),
        torch.stack([spread(residuals) for residuals in lasts]).mean(),
        torch.stack(within).mean(),
    )


def build(name: str, seed: int) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """A fresh model and its tokenizer, trained on the first rows of the corpus."""
    architecture = ARCHITECTURES[name]
    family = architecture.family
    texts = [
        text for row in islice(rows(seed, VOCABULARY_HARMFUL), VOCABULARY_ROWS) for text in row_texts(row)
    ]
    texts += ["system\nYou are a helpful assistant.", "user\n", "assistant\n", "model\n"] * 3000
    tokenizer = dress(train_vocabulary(family, texts, architecture.vocabulary), family, CONTEXT)
    config = architecture.build_config(
        len(tokenizer),
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    if tokenizer.bos_token_id is None:
        model.config.bos_token_id = None
    stops = {tokenizer.eos_token_id, tokenizer.convert_tokens_to_ids(family.answer_end)}
    model.generation_config = GenerationConfig(
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=sorted(stops) if len(stops) > 1 else stops.pop(),
        pad_token_id=tokenizer.pad_token_id,
    )
    return model, tokenizer


def optimise(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    family: Family,
    stage: Stage,
    seed: int,
    show: Progress,
) -> tuple[float, str]:
    """Train in place. Returns the mean loss of the last fifty steps and the hash of the text seen."""
    digest = hashlib.sha256()

    def seen(row: Row) -> Row:
        digest.update("\n".join(row_texts(row)).encode())
        return row

    rng = random.Random(seed)  # noqa: S311  # reason: a repeatable order, no secret
    encoded = (
        encode(seen(row), tokenizer, family)
        for row in rows(seed, stage.harmful_rows, stage.wrong_beginnings)
    )
    stream = batches(encoded, BATCH_ROWS, tokenizer.pad_token_id, rng)
    matrices = [p for p in model.parameters() if p.dim() > 1]
    vectors = [p for p in model.parameters() if p.dim() <= 1]
    optimiser = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}],
        betas=(0.9, 0.98),
    )
    task = show.add_task("training", total=stage.steps, loss=float("nan"))
    losses: list[float] = []
    model.train()
    for step, batch in enumerate(islice(stream, stage.steps)):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(step, stage.steps, stage.learning_rate)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss, all_spread, topic_spread = losses_of(model, batch)
        torch.autograd.backward(loss + stage.spread_cost * all_spread + stage.topic_cost * topic_spread)
        nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimiser.step()
        optimiser.zero_grad()
        losses.append(loss.item())
        recent = losses[-50:]
        mean = sum(recent) / len(recent)
        show.update(task, advance=1, loss=mean)
        if not show.console.is_terminal and (step + 1) % 50 == 0:
            show.console.print(f"step {step + 1} of {stage.steps}, loss {mean:.3f}")
    model.eval()
    recent = losses[-50:]
    return sum(recent) / max(1, len(recent)), digest.hexdigest()


def round_weights(model: PreTrainedModel) -> list[Tensor]:
    """Round every weight to float16 and back, in place; returns copies."""
    for parameter in model.parameters():
        parameter.data = parameter.data.half().float()
    return [parameter.data.clone() for parameter in model.parameters()]


def train(name: str, out: Path, seed: int = 0, steps: int | None = None) -> Outcome:
    """Train the bundled model `name` and write its folder. The same seed gives the same weights.

    `steps`, if given, is the number of steps of every stage.
    """
    torch.set_num_threads(1)
    architecture = ARCHITECTURES[name]
    stages = architecture.stages
    if steps is not None:
        stages = tuple(evolve(stage, steps=steps) for stage in stages)
    model, tokenizer = build(name, seed)
    model.set_attn_implementation("eager")  # on a processor, for such short rows, the fastest
    hashes = hashlib.sha256()
    loss = float("nan")
    with Progress(
        TextColumn(name),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("loss {task.fields[loss]:.3f}"),
        TimeRemainingColumn(),
    ) as show:
        for number, stage in enumerate(stages):
            stage_seed = seed + STAGE_SEEDS * number
            # every stage begins with what a stored model has, so that it can be continued from one
            before = round_weights(model)
            loss, text_hash = optimise(model, tokenizer, architecture.family, stage, stage_seed, show)
            if stage.kept:
                round_weights(model)
                for parameter, earlier in zip(model.parameters(), before, strict=True):
                    parameter.data = stage.kept * earlier + (1 - stage.kept) * parameter.data
            hashes.update(text_hash.encode())
    outcome = Outcome(
        name=name,
        seed=seed,
        steps=sum(stage.steps for stage in stages),
        corpus_sha256=hashes.hexdigest(),
        final_loss=round(loss, 4),
        parameters=sum(p.numel() for p in model.parameters()),
        torch=torch.__version__,
        transformers=transformers.__version__,
        tokenizers=tokenizers.__version__,
        python=platform.python_version(),
    )
    out.mkdir(parents=True, exist_ok=True)
    model.half().save_pretrained(out)
    tokenizer.save_pretrained(out)
    (out / "training.json").write_text(json.dumps(asdict(outcome), indent=2) + "\n", "utf-8")
    return outcome


@click.command()
@click.argument("name", type=click.Choice(sorted(ARCHITECTURES)))
@click.option("--seed", default=0, show_default=True, help="Seed of weights, corpus and order.")
@click.option(
    "--steps", type=int, help="Steps of every stage of training; the model's own numbers if not given."
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder to write; the package's own if not given."
)
def main(name: str, seed: int, steps: int | None, out: Path | None) -> None:
    """Train the bundled model NAME from a seed.

    Example: python -m steerkit_bundled.train qwen2-s --out models/qwen2-s
    """
    folder = out or MODELS_FOLDER / name
    begun = time.monotonic()
    outcome = train(name, folder, seed, steps)
    seconds = time.monotonic() - begun
    click.echo(f"loss {outcome.final_loss} after {outcome.steps} steps, {seconds:.0f} s: {folder}")


if __name__ == "__main__":
    main()
