"""Steers with another library, in an environment of its own: `python -P worker.py LIBRARY FOLDER THREADS`.

FOLDER holds a model and `work.json`. Each line on standard input is a request; each is answered by one line
on standard output. The file imports nothing of steerkit's, which need not be installed there.
"""

import json
import sys
import time
from contextlib import contextmanager
from importlib.metadata import version
from itertools import groupby
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM


def steering_vectors(model):
    """Cells by `SteeringVector.apply`."""
    from steering_vectors import SteeringVector

    @contextmanager
    def steered(layer, shift):
        vector = SteeringVector(dict.fromkeys(range(layer, model.config.num_hidden_layers), shift))
        with vector.apply(model):
            yield model

    return steered


def repeng(model):
    """Cells by `ControlModel.set_raw_control`."""
    from repeng import ControlModel

    @contextmanager
    def steered(layer, shift):
        layers = list(range(layer, model.config.num_hidden_layers))
        wrapped = ControlModel(model, layers)
        wrapped.set_raw_control(dict.fromkeys(layers, shift))
        yield wrapped
        wrapped.unwrap()

    return steered


def generate(model, encoded, tokens, pad):
    """New tokens of one cell's prompts, which make one batch, padded on the left."""
    longest = max(map(len, encoded))
    ids = torch.tensor([[pad] * (longest - len(one)) + one for one in encoded])
    mask = torch.tensor([[0] * (longest - len(one)) + [1] * len(one) for one in encoded])
    with torch.no_grad():
        out = model.generate(
            input_ids=ids, attention_mask=mask, do_sample=False, max_new_tokens=tokens, pad_token_id=pad
        )
    return out[:, longest:].tolist()


def answer(steered, work, request):
    """Write every pair that was asked for, cell by cell."""
    texts = []
    begun = time.monotonic()
    for index, group in groupby(request["pairs"], key=lambda pair: pair[0]):
        pairs, cell = list(group), work["cells"][index]
        encoded = [work["encoded"][prompt] for _, prompt in pairs]
        with steered(cell["layer"], torch.tensor(cell["shift"])) as model:
            new = generate(model, encoded, request["tokens"], work["pad"])
        texts += [[*pair, ids] for pair, ids in zip(pairs, new, strict=True)]
    return {"seconds": time.monotonic() - begun, "texts": texts}


def main():
    """Load, say so, and answer until the input ends."""
    library, folder, threads = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    torch.set_num_threads(threads)
    work = json.loads((folder / "work.json").read_text(encoding="utf-8"))
    model = AutoModelForCausalLM.from_pretrained(folder, torch_dtype=torch.float32).eval()
    steered = {"steering-vectors": steering_vectors, "repeng": repeng}[library](model)
    say({"versions": {name: version(name) for name in (library, "transformers", "torch")}})
    for line in sys.stdin:
        try:
            say(answer(steered, work, json.loads(line)))
        except Exception as error:  # noqa: BLE001  # reason: what fails here is what the table shows
            say({"error": f"{type(error).__name__}: {error}"})


def say(found):
    """One line."""
    sys.stdout.write(json.dumps(found) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
