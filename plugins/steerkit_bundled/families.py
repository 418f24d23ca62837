"""What sets the families apart outside the network: special tokens, template, where BOS comes from."""

from importlib.resources import files

from attrs import frozen


@frozen
class Family:
    """A family's chat conventions.

    `turn_end` closes the user's turn: the template's suffix begins with it. `answer_end` is the token
    that the model learns to stop with. `answer_start` is what the template puts before an answer.
    `adds_bos` says that the tokenizer puts BOS before every text, although the template has one too.
    """

    name: str
    special_tokens: tuple[str, ...]
    bos: str | None
    eos: str
    pad: str
    turn_end: str
    answer_end: str
    answer_start: str = ""
    adds_bos: bool = False

    @property
    def template(self) -> str:
        """The chat template, in Jinja."""
        return (files("steerkit_bundled") / "templates" / f"{self.name}.jinja").read_text("utf-8")


QWEN2 = Family(
    name="qwen2",
    special_tokens=("<|endoftext|>", "<|im_start|>", "<|im_end|>"),
    bos=None,
    eos="<|im_end|>",
    pad="<|endoftext|>",
    turn_end="<|im_end|>",
    answer_end="<|im_end|>",
)
GEMMA2 = Family(
    name="gemma2",
    special_tokens=("<pad>", "<eos>", "<bos>", "<unk>", "<start_of_turn>", "<end_of_turn>"),
    bos="<bos>",
    eos="<eos>",
    pad="<pad>",
    turn_end="<end_of_turn>",
    answer_end="<end_of_turn>",
    adds_bos=True,
)
MISTRAL = Family(
    name="mistral",
    special_tokens=("<unk>", "<s>", "</s>", "[INST]", "[/INST]", "<pad>"),
    bos="<s>",
    eos="</s>",
    pad="<pad>",
    turn_end="[/INST]",
    answer_end="</s>",
    answer_start=" ",
    adds_bos=True,
)
