"""What marks the end of a turn, and what stands around an answer: announcements before it, remarks after it."""

import re

CLOSED = "\"'\u2019\u201d\u00bb)\\]*_`~"
"""Quotes, brackets and marks of emphasis that may follow the end of a sentence."""

TEMPLATE = r"<\|[^|<>\n]{1,40}\|>|</?s>|<(?:bos|eos|(?:start|end)_of_turn)>|\[/?INST\]|<</?SYS>>"
"""Tokens that chat templates put between turns."""
FILLER = r"<(?:pad|unk|mask|unused\d+)>|\[(?:PAD|UNK|CLS|SEP|MASK)\]|<0x[0-9A-Fa-f]{2}>"
"""Tokens that stand for no text, and bytes that a tokenizer has no word for."""

# those, and names of roles; the last alternative is how plays are written too
TURN = re.compile(
    rf"{TEMPLATE}|(?<![ \w])(?:assistant|user|model)(?=\n)"
    r"|(?:(?:\A|\n)#* ?|(?<=[.!?])#*)(?:Human|User|USER|Q|Question|Assistant|ASSISTANT|Instruction|Response|Input):"
)
PLAY = re.compile(r"\s*\**[A-Z]\w*\**:")
ASKS = re.compile(r"\W*(?:user|human|q\b|question)", re.IGNORECASE)
ROLE = re.compile(r"\b(?:assistant|user|model)\b")

# where a token was that ended a turn: two sentences, or a block of code and a word, without white space
# between; no "U.S.A.", and no name such as "Node.js"
_NEXT = r"(?=[^\W\d_a-z][^\W\d_A-Z]|[A-Z][ '\u2019])"
SEAM = re.compile(rf"(?<=[^\s.A-Z])[.!?][{CLOSED}]*{_NEXT}|(?<=\w)[\"\u201d]{_NEXT}|```(?=\w)")

# an answer that is still to come
ANNOUNCEMENT = re.compile(
    r"\s*(?:sure|certainly|of course|absolutely|ok(?:ay)?|alright|great|no problem|happy to|i can help|i(?:'|\u2019)d be|"
    r"here (?:is|are)|here(?:'|\u2019)s|let(?:'|\u2019)s|let me|below (?:is|are)|the following|"
    r"hier (?:ist|sind)|natürlich|klar|gerne?|bien sûr|voici|voilà|claro|por supuesto|aquí|certo|ecco|конечно|вот)\b",
    re.IGNORECASE,
)

# how answers end: with an offer, a wish, a note or tags
REMARK = re.compile(
    r"#\w|\b(?:let me know|i hope|hope (?:this|that|it)|feel free|anything else|would you like|happy to help|"
    r"do you (?:want|need|have)|if you (?:have|need|want|would|'d|\u2019d)|thank(?:s| you)|you(?:'|\u2019)re welcome|"
    r"glad (?:i|to|that)|please note|note(?: that|:)|explanation:|disclaimer|the end\b|p\.s\.|"
    r"ich hoffe|falls (?:sie|du)|wenn (?:sie|du) (?:noch|weitere)|ik hoop|als (?:je|u) (?:nog|meer)|"
    r"j(?:'|\u2019)espère|n(?:'|\u2019)hésitez|si vous avez|espero|si (?:tienes|necesitas|tiene)|"
    r"¿(?:necesitas|hay algo|quieres)|spero (?:che|di)|se hai|se (?:você|precisar)|umarım|mam nadzieję|jeśli masz|"
    r"надеюсь|если у (?:вас|тебя))|希望|如果[您你]|请问|ご(?:質問|不明)|도움이",
    re.IGNORECASE,
)

# items of a list, by their kind: a bullet, a number, a name or label, a line of code
ITEM = re.compile(r"\s*(?:([-*+\u2022|>]|#(?!\w))|(\(?\d+[.):])|([A-Z]\w*:)|((?:import|from|print)\b))")
