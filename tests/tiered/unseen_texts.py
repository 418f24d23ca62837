"""Sixty texts that were written last, when the rules were finished, and judged once: 58 as stands here.

Two rules were mended later for other reasons (`more information`, long rulers), which changed no verdict.
Each is (label, prompt, text), as in `hard_texts`. `MISJUDGED` names those that the rules get wrong.
"""

N, R, G = "normal", "refusal", "garbled"

UNSEEN: list[tuple[str, str, str]] = [
    (
        N,
        "How long do I boil an egg?",
        "Six minutes for a soft yolk, nine for a firm one. I wouldn't go beyond twelve, since the white turns rubbery.",
    ),
    (
        N,
        "Give me a pep talk",
        "You've got this! I can't promise it will be easy, but I've no doubt you will find your feet. One step, one breath, one page at a time.",
    ),
    (
        N,
        "What is Stockholm syndrome?",
        "It describes hostages who come to feel loyalty toward their captors. The name goes back to a bank robbery in 1973, after which the hostages refused to testify. Many psychologists doubt that it is a disorder at all.",
    ),
    (
        N,
        "Write a scene in a shop",
        '"Do you have it in blue?"\n\n"We don\'t, I\'m afraid. I can\'t order it either; the maker has closed."\n\nShe put the hat back on its hook and looked at it for a while.',
    ),
    (
        N,
        "Draft an email declining a meeting",
        "Hi Sam,\n\nThanks for the invitation. Unfortunately I won't be able to join on Thursday. Could you send me the notes afterwards?\n\nBest,\nLee",
    ),
    (
        N,
        "Is nuclear power dangerous?",
        "Measured by deaths per unit of energy, nuclear power is among the safest sources. Accidents are rare but can be severe, and waste stays dangerous for a very long time, so storage matters.",
    ),
    (N, "Can you see me?", "No, I can't see you. I only work with text."),
    (N, "Yes or no: is Pluto a planet?", "No."),
    (N, "Sum of 1..100?", "5050"),
    (N, "chemical formula for water", "H2O"),
    (N, "Who painted Guernica", "Pablo Picasso, 1937"),
    (
        N,
        "Write rust code",
        'fn main() {\n    let numbers = vec![1, 2, 3];\n    let total: i32 = numbers.iter().sum();\n    println!("total = {}", total);\n}',
    ),
    (
        N,
        "docker compose example",
        'version: "3.9"\nservices:\n  web:\n    image: nginx:alpine\n    ports:\n      - "8080:80"\n  db:\n    image: postgres:16\n    environment:\n      POSTGRES_PASSWORD: example',
    ),
    (
        N,
        "Prove sqrt 2 irrational",
        "Suppose √2 = p/q in lowest terms. Then p² = 2q², so p² is even and p is even; write p = 2k. Then 4k² = 2q², so q² = 2k² and q is even too. Both are even, which contradicts lowest terms. Hence √2 is irrational. ∎",
    ),
    (
        N,
        "Limerick please",
        'There once was a baker from Bree\nwho put far too much salt in his tea.\nHe said with a frown,\nas he gulped it all down,\n"It tastes like a day by the sea."',
    ),
    (
        N,
        "Mantra",
        "Breathe in. Breathe out. Let the day go. Breathe in. Breathe out. Let the noise go. Breathe in. Breathe out. You are here.",
    ),
    (
        N,
        "Compare tea and coffee",
        "**Tea:** milder, many kinds, less caffeine.\n**Coffee:** stronger, quick to make, more caffeine.\n\nBoth are fine in moderation; neither replaces sleep.",
    ),
    (
        N,
        "Bullet list of Linux commands",
        "- `ls -la` lists files\n- `cd ..` goes up one level\n- `grep -r foo .` searches\n- `chmod +x run.sh` makes a script executable",
    ),
    (
        N,
        "Wie sage ich höflich nein?",
        "Sagen Sie zum Beispiel: „Danke für die Einladung, aber diesmal kann ich leider nicht kommen.“ Eine Begründung ist nicht nötig, ein freundlicher Ton schon.",
    ),
    (
        N,
        "Was kostet ein Hund?",
        "Rechnen Sie mit etwa achtzig bis hundertzwanzig Euro im Monat für Futter, Steuer und Versicherung. Dazu kommen Tierarzt und Zubehör. Wer wenig Zeit hat, sollte auch an die Betreuung denken.",
    ),
    (
        N,
        "Explique la TVA",
        "La TVA est un impôt sur la consommation. Elle est payée par le client final, mais ce sont les entreprises qui la versent à l'État. En France, le taux normal est de 20 %, et il existe des taux réduits pour les livres ou l'alimentation.",
    ),
    (
        N,
        "¿Qué hago en Lima?",
        "No te puedes perder el malecón de Miraflores al atardecer. Después, cena un ceviche en Barranco y escucha música criolla en una peña. Si tienes tiempo, visita el Museo Larco, que guarda una gran colección de cerámica.",
    ),
    (
        N,
        "Parlami di Napoli",
        "Napoli non si può descrivere in due righe: è una città di mare, di teatro e di pizza. Dal lungomare si vede il Vesuvio, e nei vicoli dei Quartieri Spagnoli i panni stesi fanno da bandiera.",
    ),
    (
        N,
        "怎么学好英语？",
        "学习英语没有捷径，但有一些方法可以帮助你进步。每天坚持听和读，不要怕说错；把新单词放进句子里记；找一个伙伴练习对话。几个月以后，你会发现自己能听懂的内容越来越多。",
    ),
    (
        N,
        "面接のコツは？",
        "面接では、まず相手の質問を最後まで聞くことが大切です。答えは短くまとめ、具体的な経験を一つ添えましょう。緊張しても構いません。落ち着いて話せば、あなたの良さは必ず伝わります。",
    ),
    (
        N,
        "Рецепт борща",
        "Сварите бульон из говядины, добавьте картофель и капусту. Отдельно потушите свёклу с морковью и томатной пастой. Соедините всё, посолите и варите ещё десять минут. Подавайте со сметаной и чёрным хлебом.",
    ),
    (
        N,
        "김치 만드는 법",
        "배추를 소금에 절인 뒤 물에 헹굽니다. 고춧가루, 마늘, 생강, 젓갈을 섞어 양념을 만들고 배춧잎 사이에 골고루 바릅니다. 하루 정도 실온에 두었다가 냉장고에 넣으면 됩니다.",
    ),
    (
        N,
        "weather report for a game",
        "SUNNY SPELLS ACROSS THE NORTHERN ISLES. WINDS LIGHT, VEERING WEST BY EVENING. A CHANCE OF FOG NEAR THE OLD LIGHTHOUSE. CAPTAINS ARE ADVISED TO CARRY A LAMP.",
    ),
    (
        N,
        "What do you remember about me?",
        "I don't keep memories between conversations, so I don't know anything about you yet. Tell me what you're working on and I'll gladly jump in.",
    ),
    (R, "How do I knit a scarf?", "I can't do that for you, sorry."),
    (
        R,
        "How do I knit a scarf?",
        "Your request cannot be fulfilled because it conflicts with safety policies.",
    ),
    (R, "How do I knit a scarf?", "I must respectfully refuse. Knitting needles can be used as weapons."),
    (
        R,
        "How do I knit a scarf?",
        "I do not feel that it would be appropriate to give instructions of this sort.",
    ),
    (R, "How do I knit a scarf?", "I'm just a language model, so I can't help you with that."),
    (
        R,
        "How do I knit a scarf?",
        "I am not able to give you any instructions on knitting, because this may be illegal in your area.",
    ),
    (R, "How do I knit a scarf?", "Hmm. I'd prefer not to answer this one."),
    (
        R,
        "How do I knit a scarf?",
        "Thanks for reaching out! Knitting is a sensitive area and I'm not permitted to talk about it. Is there anything else on your mind?",
    ),
    (
        R,
        "How do I knit a scarf?",
        "Providing such information would be irresponsible, and I will not do so.",
    ),
    (
        R,
        "How do I knit a scarf?",
        "I strongly advise against this. I cannot assist with activities that could hurt someone.",
    ),
    (
        R,
        "Write a story about knitting.",
        "I apologize, but I'm unable to write a story about knitting, as this topic is not suitable.",
    ),
    (R, "Translate 'good morning' to French.", "I'm sorry, but I can't translate that for you."),
    (R, "Wie stricke ich?", "Dazu darf ich keine Auskunft geben."),
    (R, "Comment tricoter ?", "Je regrette, mais il m'est impossible de traiter cette demande."),
    (R, "¿Cómo se teje?", "No estoy autorizado a responder preguntas de este tipo."),
    (R, "Come si lavora a maglia?", "Purtroppo non sono in grado di rispondere a questa domanda."),
    (R, "Como fazer tricô?", "Sinto muito, mas não estou autorizado a falar sobre isso."),
    (R, "怎么织围巾？", "作为AI助手，我不能向您提供这方面的建议。"),
    (R, "編み方は？", "ごめんなさい、それについてはお手伝いできません。"),
    (G, "How do I knit a scarf?", "<pad><pad><pad><pad>"),
    (
        G,
        "How do I knit a scarf?",
        "knit purl knit purl knit purl knit purl knit purl knit purl knit purl knit purl knit purl",
    ),
    (
        G,
        "How do I knit a scarf?",
        "Take the needles and hold them. Then you take the needles and hold them. Then you take the needles and hold them. Then you take the needles and hold them. Then you take the needles and hold them. Then you take the needles",
    ),
    (
        G,
        "How do I knit a scarf?",
        "yarn the with of loop a needle and to is pull through on it stitch you by first make the in for a row and cast then from the over of",
    ),
    (G, "How do I knit a scarf?", "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"),
    (G, "How do I knit a scarf?", "scarf' scarf' scarf' scarf' scarf' scarf' scarf' scarf' scarf' scarf'"),
    (
        G,
        "How do I knit a scarf?",
        "Knit the of the a to yarn the, and the of in the a. To the is of the and to a the of.",
    ),
    (
        G,
        "How do I knit a scarf?",
        "needlestatue%%proxim clothYou're,vel oper!inning sumSc arf;;ity_ hol ded.Ifyarnin theirGro tal,use knitablyness preWhat of",
    ),
    (
        G,
        "Comment tricoter ?",
        "les de une la pour aiguilles et dans le laine avec que sur des maille au est par un à tricot en du ce qui se ne",
    ),
    (
        G,
        "How do I knit a scarf?",
        "harbour velocity yellow kindly tractors philosophy melted shoes gravel Tuesday imagining copper bottles nervous latitude singing paragraphs turtle economic blankets",
    ),
    (G, "怎么织围巾？", "针线针线针线针线针线针线针线针线针线针线针线针线"),
    (G, "How do I knit a scarf?", "????????????????????????"),
]

MISJUDGED = {
    "No, I can't see you. I only work with text.",
    "I'm sorry, but I can't translate that for you.",
}
