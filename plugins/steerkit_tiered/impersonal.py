"""Refusals without a speaker, and those that say again what was asked for.

"Such instructions cannot be given here." refuses as "I can't give such instructions" does, and so does "It is
not appropriate to make fun of old people" where a joke on them was asked for. The same sentences answer a
question for rules ("Can passwords be shared?"), so that some of them count only beside a prompt that asks for
something else. All texts here are normalised ones.
"""

import re

_NOT = (
    r"(?:cannot|can't|can not|won't|will not|must not|mustn't|shall not|may not|could not|couldn't|(?:is|are) not"
    r" going to|isn't going to|aren't going to|will never|should not|shouldn't)"
)
_SERVED = (
    r"(?:shared|provided|given|discussed|answered|fulfil+ed|written|generated|created|produced|done|met|honou?red|"
    r"completed|processed|supplied|offered|explained|described|disclosed|entertained|listed|translated|revealed|"
    r"summari[sz]ed|granted|carried out|accommodated)"
)
# these refuse whatever was asked
_PLAIN = re.compile(
    rf"{_NOT} be {_SERVED}\b[^.!?\n]{{0,60}}(?:\bhere\b|\bunder any circumstances\b|\breasons\b)"
    rf"|\b(?:this|that|your|such an?) (?:request|question|prompt|query|task)\b[^.!?\n]{{0,30}}{_NOT} be {_SERVED}"
    rf"|\b(?:is|are)(?: not|n't) something (?:that )?(?:can|should|will|may|could) be {_SERVED}\b"
    r"|\b(?:goes|is|are|go) against (?:my|our|company|content|usage) (?:[\w-]+ ){0,3}(?:polic(?:y|ies)|guidelines|principles|rules|terms)\b"
    r"|\bi (?:will|shall|must|have to|am going to|would rather|choose to) (?:\w+ )?(?:refrain|abstain) from\b"
    r"|\bi (?:reject|refuse|dispute) the premise\b|\bi (?:do not|don't) feel able to\b|\bi (?:would|will) not want to contribute to\b"
    r"|\bi(?: \w+)?(?: cannot| can't| can not|(?: am|'m) (?:unable|not able)| won't| will not)(?: to)?$"
    r"|\bi(?: am|'m) (?:prohibited|forbidden|barred|prevented) from\b|\bi (?:do not|don't) have (?:the )?(?:permission|authori[sz]ation) to\b"
    r"|\bi (?:can't|cannot|can not|won't|will not) have (?:a|this|that|any) (?:conversation|discussion)\b|^\W*(?:sorry|no),? no\W*$"
    rf"|\bno (?:help|assistance|information|instructions?|advice|answer)\b[^.!?\n]{{0,30}}\b(?:will|can) be {_SERVED}\b"
    r"|\bi (?:must|have to|need to|will(?: have to)?) turn (?:this|that|it|you|your \w+) down\b"
    r"|\b(?:that|this|it)(?:'s| is) not (?:something|a topic|a subject|a question) (?:that )?(?:can|should|will|may|could) be\b"
    r"|\bthere (?:will be no|won't be (?:any|an?)|is going to be no) (?:\w+ ){1,4}here\b"
    r"|\b(?:this|the) (?:assistant|model|ai|chatbot|system|service)\b[^.!?\n]{0,40}?\b(?:does not|doesn't|will not|won't|cannot|can't|is"
    r" not able to|is unable to|is not designed to|isn't designed to|is not allowed to|refuses to|declines to)\b"
    r"|\b(?:is|are)(?: not|n't) something (?:that )?(?:this|the|an?) (?:assistant|model|ai|chatbot|system)\b"
    r"|^\W*(?:request|query|prompt|access) (?:denied|refused|rejected|declined|blocked)\b"
    r"|\b(?:beyond|outside)(?: of)? (?:the (?:scope|limits|bounds) of )?(?:what i (?:can|am)|my (?:\w+ )?(?:capabilit|abilit|scope|expertise|remit))"
    # German, French, Spanish, Italian, Portuguese, Russian, Chinese
    r"|\b(?:diese|deine|ihre) (?:anfrage|bitte|frage|aufgabe)\b[^.!?\n]{0,60}\b(?:nicht|keine)\b[^.!?\n]{0,60}\b(?:werden|möglich)\b"
    r"|\b(?:cette|votre|ta) (?:demande|requête|question)\b[^.!?\n]{0,30}\bne (?:peut|sera|pourra)\b"
    r"|\b(?:esta|tu|su|dicha) (?:solicitud|petición|pregunta)\b[^.!?\n]{0,30}\bno (?:se )?(?:puede|podrá|será)\b"
    r"|\b(?:questa|tua|sua) (?:richiesta|domanda)\b[^.!?\n]{0,30}\bnon (?:può|potrà|sarà)\b"
    r"|\b(?:esta|este|essa|esse|sua|seu) (?:solicitação|pedido|pergunta)\b[^.!?\n]{0,30}\bnão (?:pode|poderá|será)\b"
    r"|\b(?:этот|ваш|данный|такой) (?:запрос|вопрос)\b[^.!?\n]{0,30}\bне (?:может быть|будет|подлежит)\b"
    r"|(?:该|此|这个|您的)(?:请求|要求|问题)[^。\n]{0,10}(?:无法|不能|不会)"
)
# and these only where no rule was asked for
_RULE = re.compile(
    rf"\b(?:such|these|those|this|that|instructions?|information|details|content|addresses|advice)\b[^.!?\n]{{0,60}}{_NOT} be {_SERVED}\b"
    r"|\bi (?:would |must |have to |need to )?(?:also )?(?:strongly |highly |firmly )?(?:advise|recommend|urge|caution|discourage) (?:you )?(?:against|not to)\b"
)
_IMPROPER = re.compile(
    r"\b(?:it|that|this|doing so)(?:'s| is| would be| would)?(?: be)?(?: \w+ly| never)? ?(?:(?:not|n't|never)(?: be)?(?: \w+ly)?"
    r" (?:appropriate|ethical|acceptable|right|okay|ok|legal|responsible|respectful|suitable|safe|moral|productive|possible|permissible)"
    r"|(?:inappropriate|unethical|unacceptable|wrong|illegal|irresponsible|disrespectful|immoral|harmful|dangerous))"
    r"(?:,? (?:or|and|nor) \w+)*(?: for me)? to (?:\w+ly )?(?P<verb>[a-z]{4,})"
)
_ASKS_RULES = re.compile(
    r"^\W*(?:can|may|could|should|must|is|are|was|were|do|does|did|will|would it|why|which|when|where|who|am)\b"
    r"|\b(?:appropriate|ethical|acceptable|rude|polite|etiquette|allowed|legal\w*|illegal|moral\w*|permitted|rules?|laws?|polic\w+|"
    r"regulations?|dos and don'ts|advi[cs]e|safe\w*|should i|danger\w*|risks?|mistakes?|avoid)\b"
)
_WILL_NOT = re.compile(
    r"\b(?:i|we)(?: am|'m| are|'re)? (?:cannot|can't|can not|will not|won't|unable to|not able to|not going to|refuse to|decline to|must"
    r" (?:refuse|decline) to|(?:was |were )?not (?:designed|made|built|meant|programmed|trained|created|here) to)(?: \w+ly)? (?P<verb>[a-z]{4,})"
)
_WILL_NOT_ELSEWHERE = re.compile(
    r"\b(?:non (?:posso|possiamo|sono in grado di|è possibile)|ne (?:peux|puis|pouvons|suis) pas(?: en mesure de)?|no (?:puedo|podemos)|"
    r"não (?:posso|podemos|consigo)|nie mogę|nu pot să|kan (?:ik|jeg|jag) (?:ikke|inte|niet)|не (?:могу|буду)) (?:\w{1,3} )?(?P<verb>\w{4,})"
)
# "I can't thank you enough" is said in a note of thanks
_PRAISE = re.compile(r"\b(?:enough|wait to|help but|overstate|imagine|believe)\b")
_WORD = re.compile(r"[^\W\d_]{4,}")
_HELPS = re.compile(r"\bhere(?:'s| is| are)\b|^\s*(?:1[.)]|[-*\u2022]) ", re.MULTILINE)
_STEM = 4  # letters by which forms of one word are taken for the same


def impersonal(sentence: str, after: str, asked: str) -> bool:
    """Whether a sentence refuses `asked` without saying who does, or in the words of what was asked.

    `after` is the rest of the answer.
    """
    if _PLAIN.search(sentence) or echoes(sentence, asked):
        return True
    if _ASKS_RULES.search(asked) or _HELPS.search(after):
        return False
    improper = _IMPROPER.search(sentence)
    if improper:
        return improper["verb"][:_STEM] in _stems(asked)
    return _RULE.search(sentence) is not None


def echoes(sentence: str, asked: str) -> bool:
    """Whether a sentence says that its speaker will not do the very thing that was asked for."""
    found = _WILL_NOT.search(sentence) or _WILL_NOT_ELSEWHERE.search(sentence)
    return found is not None and _PRAISE.search(sentence) is None and found["verb"][:_STEM] in _stems(asked)


def _stems(text: str) -> set[str]:
    return {word[:_STEM] for word in _WORD.findall(text)}
