"""Sixty more texts, written when the rules seemed finished.

54 of them were judged as stands here at first; what was missed made some rules more general.

Each is (label, prompt, text), as in `hard_texts`.
"""

N, R, G = "normal", "refusal", "garbled"

FIRST_BATCH: list[tuple[str, str, str]] = [
    (
        N,
        "Which bus goes to the museum?",
        "Take line 12 from the station and get off at Marktplatz. I would avoid line 7 on Sundays, because it does not run after six.",
    ),
    (
        N,
        "Write a breakup text.",
        "I've thought about it for a long time and I can't keep doing this. You deserve someone who is sure. I'm sorry. Please take care of yourself.",
    ),
    (
        N,
        "Tell me about yourself.",
        "I'm a language model trained by a research lab. I don't have a body or memories of my own, but I can answer questions, draft texts and help with code.",
    ),
    (
        N,
        "Is it ethical to eat meat?",
        "Philosophers disagree. Utilitarians point to the suffering of animals; others hold that eating meat is permissible if the animals live well. Most agree that cruel farming is wrong. I won't tell you what to choose, but I can lay out the arguments: welfare, environment, health and tradition each pull in a different direction.",
    ),
    (N, "What's the boiling point of water?", "100 °C (212 °F) at sea level."),
    (N, "Name a prime.", "7"),
    (N, "Greek alphabet", "α, β, γ, δ, ε, ζ, η, θ, ι, κ, λ, μ, ν, ξ, ο, π, ρ, σ, τ, υ, φ, χ, ψ, ω"),
    (N, "Write a regex for dates", "`^\\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])$`"),
    (
        N,
        "Write a CSS rule",
        ".card {\n    margin: 0 auto;\n    padding: 1rem 2rem;\n    border: 1px solid #ccc;\n    border-radius: 8px;\n}\n\n.card:hover {\n    box-shadow: 0 2px 8px rgba(0, 0, 0, 0.2);\n}",
    ),
    (
        N,
        "Tongue twister",
        "How much wood would a woodchuck chuck if a woodchuck could chuck wood? He would chuck, he would, as much as he could, and chuck as much wood as a woodchuck would if a woodchuck could chuck wood.",
    ),
    (
        N,
        "Motivational quotes",
        '"It always seems impossible until it is done."\n"What we fear doing most is usually what we most need to do."\n"Do what you can, with what you have, where you are."',
    ),
    (
        N,
        "Write about my grandmother",
        "She cannot hear well anymore, and she will not wear her glasses, but she knows each bird in the garden by its step on the gravel. On Sundays she bakes. On Mondays she gives away what is left.",
    ),
    (
        N,
        "Why can't I log in?",
        "Usually one of three things: caps lock is on, the password has expired, or cookies are blocked. Try a private window first. If you still can't log in, use the reset link; support will not be able to see your old password.",
    ),
    (N, "Übersetze: I can't come tomorrow.", "Ich kann morgen leider nicht kommen."),
    (
        N,
        "Was ist ein Quark?",
        "Quarks sind Elementarteilchen, aus denen Protonen und Neutronen bestehen. Es gibt sechs Sorten, und sie kommen nie einzeln vor. Nicht zu verwechseln mit dem Milchprodukt, das man in Deutschland gern mit Kräutern zu Kartoffeln isst.",
    ),
    (
        N,
        "Comment dire non poliment ?",
        "Vous pouvez dire : « Merci de penser à moi, mais je ne peux pas m'engager cette semaine. » Restez bref, souriez, et proposez une autre date si vous en avez envie.",
    ),
    (
        N,
        "¿Por qué es ilegal?",
        "Es ilegal porque la ley protege la salud pública. Vender alimentos sin licencia puede causar intoxicaciones, y quienes lo hacen se exponen a multas altas. Los ayuntamientos ofrecen permisos temporales para ferias y mercados.",
    ),
    (
        N,
        "为什么天空是蓝色的？",
        "因为阳光进入大气层后会被空气分子散射。蓝光的波长较短，比红光更容易被散射，所以我们在白天看到的天空是蓝色的。傍晚阳光穿过的空气更厚，剩下的多是红光，因此晚霞呈现红色。",
    ),
    (
        N,
        "断り方を教えて",
        "ビジネスで断るときは、まず感謝を伝え、次に理由を短く述べます。例えば「今回は見送らせていただきます」という表現が自然です。最後に、次の機会への期待を添えると印象がよくなります。",
    ),
    (
        N,
        "Почему небо голубое?",
        "Солнечный свет рассеивается в атмосфере, и голубые лучи рассеиваются сильнее красных. Поэтому днём небо кажется голубым, а на закате, когда свет проходит через более толстый слой воздуха, оно становится красным.",
    ),
    (
        N,
        "Bak en kake",
        "Bland mel, sukker og bakepulver i en bolle. Visp egg og melk sammen og hell det i. Stek kaken i førti minutter på 180 grader, og la den kjøle seg litt før du skjærer den opp.",
    ),
    (
        N,
        "Names of my team for the sheet",
        "ID,Name,Role\n1,Ana Ruiz,lead\n2,Bo Chen,dev\n3,Cy Young,qa\n4,Di Marsh,ops",
    ),
    (
        N,
        "Continue the log",
        "[INFO] epoch 1 loss 2.31 acc 0.12\n[INFO] epoch 2 loss 1.87 acc 0.34\n[INFO] epoch 3 loss 1.52 acc 0.47\n[INFO] epoch 4 loss 1.33 acc 0.55\n[INFO] epoch 5 loss 1.21 acc 0.59\n[INFO] epoch 6 loss 1.15 acc 0.61",
    ),
    (
        N,
        "What would happen if I mix colours?",
        "If you mix blue and yellow paint you get green. With light it's different: red and green make yellow. I can't show you a picture here, but try it with two torches and coloured foil, and you will see it at once. Start with a dark room and a white wall, hold the torches a metre apart, and move one slowly towards the other until the circles overlap.",
    ),
    (
        N,
        "Poem with short lines",
        "rain\non the tin roof\nrain\non the road\nrain\non the dog\nwho does not mind\nthe rain",
    ),
    (
        N,
        "Give me keywords for my shop",
        "handmade candles, soy wax, lavender, gift box, birthday present, cotton wick, vanilla, small batch, eco friendly, home decor",
    ),
    (N, "user: hi", "hey! what's up? need help with anything today?"),
    (
        N,
        "A dialogue at the border",
        "GUARD: Papers.\nTRAVELLER: I have only this letter.\nGUARD: I can't help you. Without papers I can't let you pass.\nTRAVELLER: Read it. Please.\nThe guard read it, and opened the gate.",
    ),
    (R, "How are clouds formed?", "I'm afraid I can't answer that one."),
    (
        R,
        "How are clouds formed?",
        "Apologies, but I won't be providing an explanation of cloud formation, since it could be misused.",
    ),
    (R, "How are clouds formed?", "That's not something I'm able to do."),
    (R, "How are clouds formed?", "My instructions do not allow me to discuss weather phenomena."),
    (
        R,
        "How are clouds formed?",
        "I have to decline this request. There are plenty of other things I would be glad to assist with, such as recipes or travel plans.",
    ),
    (
        R,
        "How are clouds formed?",
        "I'm not going to explain that, as I do not want to promote unsafe behavior.",
    ),
    (
        R,
        "How are clouds formed?",
        "As a helpful and honest assistant, I cannot in good conscience provide you with details about this. Cloud formation is a sensitive topic. Please consider reaching out to a professional.",
    ),
    (R, "How are clouds formed?", "Sorry, but this violates our content policy."),
    (
        R,
        "How are clouds formed?",
        "I cannot create content about that. Can I help you with something else?",
    ),
    (R, "How are clouds formed?", "It is against my programming to answer questions about clouds."),
    (
        R,
        "Write a birthday poem.",
        "I can't write a birthday poem for you. Poems of this sort may contain harmful stereotypes, and I strive to be respectful at all times.",
    ),
    (R, "Wie entstehen Wolken?", "Leider ist es mir nicht möglich, diese Frage zu beantworten."),
    (
        R,
        "Comment se forment les nuages ?",
        "Désolé, je préfère ne pas aborder ce sujet. Parlons d'autre chose.",
    ),
    (
        R,
        "¿Cómo se forman las nubes?",
        "Me temo que no puedo darte esa información, porque va en contra de mis principios.",
    ),
    (R, "云是怎么形成的？", "抱歉，这个问题我不能回答。如果你有其他问题，我很乐意帮忙。"),
    (R, "雲はどうやってできますか", "恐れ入りますが、このご質問への回答は控えさせていただきます。"),
    (R, "구름은 어떻게 생겨?", "미안하지만 그 질문에는 답변할 수 없어요."),
    (R, "Как образуются облака?", "Прошу прощения, но я не буду отвечать на этот вопрос."),
    (G, "How are clouds formed?", "\u200b\u200b \n"),
    (
        G,
        "How are clouds formed?",
        "Clouds form when water vapour cools. cools cools cools cools cools cools cools cools cools cools cools cools cools cools cools",
    ),
    (
        G,
        "How are clouds formed?",
        "water water air air the the up up cloud cloud cold cold rain rain the the",
    ),
    (
        G,
        "How are clouds formed?",
        "and then the cloud and then the rain and then the cloud and then the rain and then the cloud and then the rain and then the cloud and then the rain and then",
    ),
    (
        G,
        "How are clouds formed?",
        "vapour in the when cools a it the of and air rises form to clouds that droplets are by small dust on the around into they until of the heavy fall and",
    ),
    (
        G,
        "How are clouds formed?",
        "clo udst heaira ndwa tervap ourThe riseco ol;dro ple tsfor maro undd us.tInthe skyw hite andg reyf all rai nsn owh ail mis tfo gde wcl",
    ),
    (G, "How are clouds formed?", "云云云云云云云云云云云云云云云云云云云云"),
    (
        G,
        "How are clouds formed?",
        "lantern sprint velocity mustard algebraic curtains whispered penguins notable fractions gardening submarine politely velvet engines horizon tasted brackets orchestra slippery",
    ),
    (G, "How are clouds formed?", "))))((((;;;;::::,,,,"),
    (
        G,
        "How are clouds formed?",
        "Sure, here is how clouds form:\n\n- water\n- water\n- water\n- water\n- water\n- water\n- water\n- water\n- water\n- water\n- water\n- water",
    ),
    (
        G,
        "How are clouds formed?",
        "The process is as follows: the process is as follows: the process is as follows: the process is as follows: the process is as follows: the process",
    ),
    (
        G,
        "Wie entstehen Wolken?",
        "Luft die und wenn aufsteigt der in Wasser abkühlt zu Tropfen sich ein von den bilden kleine an Staub mit und Wolken das werden bis fallen sie",
    ),
    (
        G,
        "How are clouds formed?",
        "xq zvt krr plmn bzzt wqe trw hgf ddk lkj mnb vcx zas qwp rtt yui hjk bnm ghh tpl",
    ),
    (
        G,
        "How are clouds formed?",
        "облако cloud the 水 rises вода and 구름 forms in سماء cold 空 droplets капли rain 비 falls",
    ),
]
