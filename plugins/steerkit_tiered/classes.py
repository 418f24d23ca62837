"""What kind of word each word is: closed classes by lists, open ones by their endings.

The lists hold the words that carry a language's grammar: articles, prepositions, pronouns, auxiliaries and
conjunctions. English has its own fine classes. The words of the other languages are sorted into a coarser
set of the same classes, named by the English word that does the same work, so that one table of how classes
follow each other serves for all.
"""

import re
from collections.abc import Mapping
from functools import cache

_ENGLISH = """
the: the
a: a an
dem: this that these those
each: every each any some no another
all: all both
many: most several few much many more less other such same own
poss: my your his her its our their
subj: i he she we they
you: you it
obj: me him them us
self: myself yourself itself himself themselves ourselves herself
who: who
which: which
what: what whatever
whose: whose
when: where when while
how: why how
if: whether if unless
because: because since although though
and: and
or: or nor
but: but yet
than: than
as: as
of: of
to: to
in: in
on: on at
for: for
with: with without
by: by
from: from
into: into onto through across within during between among against toward towards via upon
about: about over under after before around above below near behind beyond throughout along
up: up out off down away back
until: until till per despite
is: is
are: are
was: was
were: were
be: be
been: been
being: being
am: am
isnt: isn't aren't wasn't weren't
have: has have
had: had
havent: hasn't haven't hadn't
do: do does did
dont: don't doesn't didn't
modal: can could will would shall should may might must
modalnt: can't cannot couldn't won't wouldn't shouldn't mustn't
itis: i'm you're we're they're it's that's there's he's she's what's who's
ive: i've you've we've they've
ill: i'll you'll we'll they'll it'll i'd you'd we'd they'd he'd she'd
lets: let's
not: not
adv: never always often usually sometimes only just also even still already
very: very too so quite rather
then: then therefore however thus otherwise hence instead
there: there
here: here now today
num: one two three four five six seven eight nine ten
ord: first second third last next
yes: yes please sure
thing: something anything nothing everything someone anyone everyone
verb: make makes made get gets got take takes give gives given use uses used see need needs want help find
verb: keep know
adj: good new different important great small large long high
noun: way time people thing things world life day example part number set
"""

# one line per class and language, in the order of the classes of English
_OTHERS = {
    "german": """
the: der die das den dem des im am zum zur vom beim ins ans
a: ein eine einen einem einer eines kein keine keinen keiner
dem: dieser diese dieses diesen diesem
poss: mein meine meinen sein seine seinen seiner ihr ihre ihren ihrem ihrer unser unsere dein deine
subj: ich er wir du man
you: es sie
obj: mich mir ihn ihm uns ihnen dich dir
self: sich
and: und sowie
or: oder
but: aber sondern doch
if: ob wenn falls dass
because: weil da obwohl denn
when: wo wann als während
in: in
on: an auf
for: für
with: mit ohne
by: durch bei
from: von aus
to: zu nach
into: zwischen gegen um unter über vor hinter neben seit
is: ist wird hat
are: sind werden haben
was: war wurde hatte
were: waren wurden hatten
modal: kann können muss müssen soll sollen will wollen darf dürfen könnte sollte würde möchte
not: nicht
very: sehr so zu
adv: auch nur noch schon immer
as: wie
""",
    "french": """
the: le la les l au aux du des
a: un une
dem: ce cette ces cet
poss: mon ma mes son sa ses leur leurs notre nos votre vos ton ta tes
subj: je j il elle nous vous ils elles on tu
obj: me te lui se s m
and: et
or: ou
but: mais donc
which: que qui qu dont où
if: si
because: car parce lorsque quand
of: de d
to: à
in: dans en
on: sur chez
for: pour
with: avec sans
by: par
from: depuis vers entre sous pendant
is: est a
are: sont ont
was: était avait fut
be: être avoir
modal: peut peuvent doit doivent faut
not: ne n pas
very: très plus moins aussi bien
as: comme
""",
    "spanish": """
the: el la los las lo al del
a: un una unos unas
dem: este esta estos estas ese esa esto eso
poss: su sus mi mis tu tus nuestro nuestra
subj: yo él ella nosotros ellos ellas usted
obj: se me te le les nos
and: y e
or: o u
but: pero sino
which: que quien cual
if: si
because: porque cuando aunque mientras como
of: de
to: a
in: en
on: sobre
for: para por
with: con sin
from: desde hasta entre
is: es está hay ha
are: son están han
was: era fue había estaba
be: ser estar haber
modal: puede pueden debe deben puedo
not: no
very: muy más también
""",
    "italian": """
the: il lo la i gli le l al allo alla ai agli alle del dello della dei degli delle dell nel nella nei nelle sul sulla dal dalla
a: un uno una
dem: questo questa questi queste quello quella
poss: suo sua suoi sue mio mia tuo tua loro nostro nostra
subj: io lui lei noi voi
obj: si mi ti ci vi ne
and: e ed
or: o
but: ma però
which: che cui chi
if: se
because: perché quando mentre
of: di d
to: a ad
in: in
on: su
for: per
with: con senza
from: da tra fra
is: è ha c'è
are: sono hanno
was: era fu aveva
be: essere avere
modal: può possono deve devono
not: non
very: molto più anche
as: come
""",
    "portuguese": """
the: o os as ao aos à às do da dos das no na nos nas pelo pela
a: um uma uns umas
dem: este esta esse essa isso isto
poss: seu sua seus suas meu minha nosso nossa
subj: eu ele ela nós eles elas você
obj: se me lhe te
and: e
or: ou
but: mas
which: que quem qual
if: se
because: porque quando embora enquanto
of: de
to: a
in: em
on: sobre
for: para por
with: com sem
from: desde até entre
is: é está há
are: são estão
was: era foi estava
be: ser estar ter
modal: pode podem deve devem
not: não
very: muito mais também
as: como
""",
    "dutch": """
the: de het
a: een geen
dem: deze dit dat die
poss: mijn zijn haar hun ons onze uw jouw
subj: ik hij zij wij we je jij u
you: het ze
obj: hem hen mij
self: zich
and: en
or: of
but: maar
if: als dat
because: omdat terwijl wanneer
of: van
to: naar te
in: in
on: op aan
for: voor
with: met zonder
by: door bij
from: uit
into: tussen tegen over onder tijdens
is: is wordt heeft
are: worden hebben
was: was werd had
modal: kan kunnen moet moeten zal zullen wil mag
not: niet
very: zeer heel ook nog
""",
    "swedish": """
a: en ett
dem: den det de denna detta dessa
poss: min sin sitt sina din vår deras hans hennes
subj: jag han hon vi ni du man
obj: mig dig honom oss dem
self: sig
and: och
or: eller
but: men
which: som
if: om att
because: eftersom medan när då
of: av
to: till
in: i
on: på vid
for: för
with: med utan
from: från
into: mellan mot under över efter genom
is: är har blir
was: var hade blev
modal: kan ska vill måste skulle
not: inte
very: mycket också
""",
    "danish": """
a: en et
dem: den det de denne dette disse
poss: min sin sit sine din vores deres hans hendes
subj: jeg han hun vi du man
obj: mig dig ham os dem
self: sig seg
and: og
or: eller
but: men
which: som der
if: om hvis at
because: fordi mens når da
of: af av
to: til
in: i
on: på ved
for: for
with: med uden uten
from: fra
into: mellem mellom mod mot under over efter etter gennem gjennom
is: er har bliver
was: var havde hadde blev ble
modal: kan skal vil må skulle
not: ikke
very: meget også
""",
    "russian": """
dem: это этот эта эти этого этой тот та те то
poss: мой моя его её их наш ваш свой своей своего
subj: я он она мы вы они ты оно
obj: меня мне ему ей нас вас им тебя
self: себя
and: и
or: или
but: но а
which: что который которая которые которое
if: если чтобы ли
because: потому когда пока хотя
in: в во
on: на
for: для
with: с со без
by: по при
from: от из до к ко
into: между через над под за о об после перед
is: есть был была было были будет
modal: может могут можно нужно должен
not: не ни
very: очень более также так
as: как
""",
    "polish": """
dem: to ten ta te tego tej tym
poss: mój moja jego jej ich swój nasz
subj: ja on ona my wy oni
obj: mnie mu go nam was im
self: się
and: i oraz
or: lub albo czy
but: ale a
which: co który która które
if: jeśli że aby żeby
because: ponieważ gdy kiedy bo
in: w we
on: na
for: dla
with: z ze bez
by: przez przy po
from: od do
into: między pod nad za o
is: jest są był była było były
modal: może można mogą musi
not: nie
very: bardzo także też
as: jak
""",
    "turkish": """
a: bir
dem: bu şu o
and: ve
or: veya ya
but: ama fakat ancak
which: ki
for: için
with: ile
as: gibi kadar
from: göre sonra önce
is: dir değil var yok
very: çok daha da de
""",
    "indonesian": """
dem: ini itu tersebut
subj: saya dia kami kita mereka anda kamu
and: dan serta
or: atau
but: tetapi namun
which: yang
if: jika apabila bahwa
because: karena ketika
in: di
to: ke
for: untuk bagi
with: dengan tanpa
by: oleh
from: dari pada
is: adalah merupakan akan telah sudah
modal: dapat bisa harus
not: tidak bukan
very: sangat juga lebih
as: sebagai seperti
""",
    "romanian": """
a: un o unei unui
dem: acest această acestea acel
subj: eu el ea noi ei voi
obj: se îl îi le te ne
and: și si
or: sau
but: dar însă
which: care ce
if: dacă că să
of: de al ale ai a
to: la
in: în
on: pe
for: pentru
with: cu fără
from: din prin între până după
is: este e
are: sunt
was: era fost
modal: poate pot trebuie
not: nu
very: mai foarte
""",
    "catalan": """
the: el la els les al als del dels
a: un una uns
dem: aquest aquesta això
poss: seu seva
obj: es se li
and: i
or: o
but: però
which: que qui
if: si
of: de d
to: a
in: en
for: per
with: amb sense
is: és ha
are: són han
was: era va
not: no
very: molt més també
""",
    "latin": """
dem: hic haec hoc ille illa
and: et atque ac
or: aut vel
but: sed
which: qui quae quod quem
if: si ut
because: quia cum
in: in
to: ad
from: ab ex de
with: per sine
is: est
are: sunt
was: erat
be: esse
not: non nec
""",
    "finnish": """
subj: hän me te he minä sinä
which: joka jotka mikä
and: ja sekä
or: tai
but: mutta vaan
if: jos että
because: koska kun
is: on
are: ovat
was: oli olivat
be: olla ole
modal: voi voidaan pitää
not: ei eivät
very: myös hyvin
dem: se ne tämä nämä
as: kuin
""",
    "hungarian": """
the: a az
a: egy
dem: ez ezek azok
and: és s
or: vagy
but: de hanem
which: amely ami aki amelyek
if: ha hogy
because: mert mivel
is: van volt lehet
not: nem
very: is nagyon csak
as: mint
""",
    "czech": """
dem: to ten ta tento této
obj: se si
and: a i
or: nebo
but: ale
which: který která které
if: že aby když pokud
in: v ve
on: na
for: pro
with: s se
by: po při
from: z ze od do
into: k ke o za mezi
is: je jsou
was: byl byla bylo
modal: může mohou
not: ne
very: také jako velmi
""",
    "tagalog": """
the: ang ng mga si
dem: ito iyon
subj: ako siya sila kami tayo ka
poss: ko mo nila niya
and: at
or: o
but: pero ngunit
if: kung na
in: sa
is: ay
not: hindi
very: rin din
""",
    "swahili": """
dem: hii hiyo hizo huu
and: na
or: au
but: lakini
if: kwamba kama
in: katika
for: kwa
of: ya wa za la cha vya
is: ni
not: si
very: pia sana
""",
    "vietnamese": """
a: một
dem: này đó
all: các những
subj: tôi bạn họ chúng
and: và
or: hoặc
but: nhưng
if: nếu rằng
of: của
in: trong ở
for: cho để
with: với
from: từ
is: là có
modal: có_thể phải được
not: không
very: rất cũng đã
""",
    "ukrainian": """
dem: це цей ця ці
subj: я він вона ми ви вони
obj: його її їх
self: себе
and: і й та
or: або чи
but: але
which: що який яка які
if: якщо щоб
in: в у
on: на
for: для
with: з із
by: по при
from: від до
into: між про за
is: є
was: був була було
modal: може можна
not: не
very: також дуже
""",
    "greek": """
the: ο η το οι τα του της των τον την τους τις
a: ένας μια ένα
and: και
or: ή
but: αλλά
which: που
if: αν ότι να
in: σε στο στη στην στον στα στις
for: για
with: με χωρίς
from: από
is: είναι έχει
modal: μπορεί θα πρέπει
not: δεν μην
""",
    "arabic": """
dem: هذا هذه ذلك تلك
which: التي الذي الذين ما من
if: إذا أن إن أنه أنها
and: و
or: أو أم
but: لكن ولكن بل
in: في
on: على
of: عن
to: إلى
with: مع بدون
into: بين عند حتى خلال بعد قبل
is: هو هي كان كانت يكون
modal: يمكن يجب
not: لا لم لن ليس
as: كما مثل
""",
}

OPEN = "X"
_ENDINGS = (
    ("tions", "X-tions"),
    ("ments", "X-tions"),
    ("ities", "X-tions"),
    ("ing", "X-ing"),
    ("ed", "X-ed"),
    ("ly", "X-ly"),
    ("tion", "X-tion"),
    ("sion", "X-tion"),
    ("ment", "X-tion"),
    ("ness", "X-tion"),
    ("ity", "X-tion"),
    ("ance", "X-tion"),
    ("ence", "X-tion"),
    ("ous", "X-al"),
    ("ive", "X-al"),
    ("able", "X-al"),
    ("ible", "X-al"),
    ("ful", "X-al"),
    ("al", "X-al"),
    ("ic", "X-al"),
    ("less", "X-al"),
    ("ers", "X-ers"),
    ("er", "X-er"),
    ("or", "X-er"),
    ("est", "X-est"),
    ("ize", "X-ize"),
    ("ise", "X-ize"),
    ("ss", "X"),
    ("us", "X"),
    ("is", "X"),
    ("'s", "X's"),
    ("s", "X-s"),
    ("y", "X-y"),
    ("e", "X-e"),
)
_COARSE = {
    **dict.fromkeys(("verb", "adj", "noun", "thing", "yes", "Cap", "X-short"), OPEN),
    **dict.fromkeys(("isnt", "havent", "dont", "modalnt"), "modal"),
    **dict.fromkeys(("itis", "ive", "ill", "lets"), "subj"),
}
MARKS: Mapping[str, str] = {
    **dict.fromkeys(".!?…。！？؟।", "."),
    **dict.fromkeys(",،、，", ","),
    **dict.fromkeys(";:؛；：", ":"),
    **dict.fromkeys("([{", "("),
    **dict.fromkeys(")]}", ")"),
    **dict.fromkeys("-–—", "-"),
}
OTHER_MARK = "~"
NUMBER = "#"
SENTENCE = "."


def _table(lines: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in lines.strip().splitlines():
        name, _, members = line.partition(":")
        for word in members.split():
            found.setdefault(word, name)
    return found


@cache
def english() -> Mapping[str, str]:
    """The class of each closed-class word of English."""
    return _table(_ENGLISH)


@cache
def languages() -> Mapping[str, Mapping[str, str]]:
    """The same for each language, English first, in the coarse classes where the language is another."""
    return {"english": english(), **{name: _table(lines) for name, lines in _OTHERS.items()}}


def coarse(name: str) -> str:
    """The coarse class that a class of English belongs to."""
    return OPEN if name.startswith("X") else _COARSE.get(name, name)


_TOKEN = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*(?:-[^\W\d_]+)*|\d+(?:[.,:]\d+)*|([^\w\s])\1*")
_FORMAT = frozenset('*_`#>"\u201c\u201d\u201e\u00ab\u00bb|')
_SPLIT = re.compile(r"['\u2019]")


@cache
def _by_ending(word: str) -> str:
    for ending, name in _ENDINGS:
        if word.endswith(ending) and len(word) > len(ending) + 2:
            return name
    return "X-short" if len(word) <= 4 else OPEN


def classes(text: str, language: str = "english") -> list[str]:
    """The class of each word, number and mark of a text; quotes and the marks of markdown are left out."""
    table = languages()[language]
    fine = language == "english"
    found: list[str] = []
    start = True
    for match in _TOKEN.finditer(text):
        token = match[0]
        first = token[0]
        if first in _FORMAT:
            continue
        if first.isdigit():
            found.append(NUMBER)
        elif not first.isalpha():
            found.append(MARKS.get(first, OTHER_MARK))
        else:
            lower = token.lower().replace("\u2019", "'")
            if not fine and "'" in lower:
                # l'eau, dell'acqua: two words
                found.extend(table.get(part, OPEN) for part in _SPLIT.split(lower) if part)
            else:
                name = table.get(lower)
                if name is None:
                    name = "Cap" if fine and first.isupper() and not start else _by_ending(lower)
                found.append(name if fine else coarse(name))
        start = found[-1] in (SENTENCE, ":", NUMBER) if found else True
    return found
