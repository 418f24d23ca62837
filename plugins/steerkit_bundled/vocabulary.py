"""Training a byte-level BPE on the corpus and dressing it as a family's tokenizer."""

from collections.abc import Iterable

from tokenizers import Tokenizer
from tokenizers.decoders import ByteLevel as ByteLevelDecoder
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from tokenizers.processors import TemplateProcessing
from tokenizers.trainers import BpeTrainer
from transformers import PreTrainedTokenizerFast

from .families import Family


def train_vocabulary(family: Family, texts: Iterable[str], size: int) -> Tokenizer:
    """A byte-level BPE of `size` tokens, the family's special tokens first."""
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=False)
    tokenizer.decoder = ByteLevelDecoder()
    trainer = BpeTrainer(
        vocab_size=size,
        special_tokens=list(family.special_tokens),
        initial_alphabet=ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    if family.adds_bos and family.bos is not None:
        tokenizer.post_processor = TemplateProcessing(
            single=f"{family.bos} $A",
            pair=f"{family.bos} $A {family.bos} $B",
            special_tokens=[(family.bos, tokenizer.token_to_id(family.bos))],
        )
    return tokenizer


def dress(tokenizer: Tokenizer, family: Family, max_length: int) -> PreTrainedTokenizerFast:
    """The tokenizer as transformers loads it: special tokens, chat template, padding on the left."""
    dressed = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=family.bos,
        eos_token=family.eos,
        pad_token=family.pad,
        unk_token="<unk>" if "<unk>" in family.special_tokens else None,
        additional_special_tokens=[
            token
            for token in family.special_tokens
            if token not in (family.bos, family.eos, family.pad, "<unk>")
        ],
        padding_side="left",
        model_max_length=max_length,
        clean_up_tokenization_spaces=False,
    )
    dressed.chat_template = family.template
    return dressed
