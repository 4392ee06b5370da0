"""Made captions, most of them with something that is hard to tokenise."""

import random

SUBJECTS = """a man|two men|a woman's dog|the boys' team|three giraffes|a 10-year-old girl|an old-fashioned car|Mr. Smith
|the dog's owner|people|a well-dressed couple|James's cat|a T-shirt|one of the U.S. players|a jack-o-lantern|O'Brien
|a 1950's truck|a (very) small child|somebody|the R&B singer|a café owner|a naïve señor|kids|the No. 5 bus|Dr. No""".replace("\n", "").split("|")
VERBS = """is standing|are riding|isn't eating|doesn't look at|can't find|cannot see|jumps over|'s holding|is gonna throw
|won't leave|wanna ride|sits, smiling,|has been walking|should've worn|plays|is/was selling|waits... and watches|lies on
|, which isn't his, wears|would've liked|let's go of|couldn't have seen|didn't – as usual – like""".replace("\n", "").split("|")
OBJECTS = """a skateboard|an ice-cream cone|a black-and-white photo|20% of the pizza|$5.99 worth of fruit|1,000 balloons
|a sign that says "STOP"|a sign saying 'No Parking'|a 6' 2" surfboard|1/2 of a sandwich|1 1/2 cakes|a clock at 3:30 p.m.
|a clock showing 10:15|rock 'n' roll albums|a laptop & a mouse|a cell phone/camera|the '90s poster|a man's hat|pots and/or pans
|a frisbee|a TV|a Wi-Fi router|a #1 fan sign|a @ symbol|the letters A, B, and C|a +5 button|a -10 degree chill|an x-ray
|a “wet floor” sign|the men’s room|a 5° slope|a £5 note|a ½ eaten donut|a red, white and blue kite|a stop sign; a tree
|M&M's|a St. Bernard|a 2-story house|a Boeing 747|a B-52|the 42nd St. station|an e-mail|a 7-eleven cup|a Coca-Cola
|a 4x4|42 oranges (sliced)|a [blurred] face|some {odd} marks|a bowl of mac 'n cheese|a 100-metre race|a "50% off" banner
|a www.example.com banner|a C++ book|a plate of hors d'oeuvres|the Queen's guard|the N.Y. skyline|a box of Kellogg's""".replace("\n", "").split("|")
PLACES = """on the street|in front of a building.|at a zoo|near the water|in the U.S.A.|on 5th Ave.|at 5 p.m.|in Washington D.C.|on top of a table
|by the lake -- at night|at O'Hare|in a kitchen ...|, outside|in the rain!|in the snow!!|- maybe|: the beach|under a bridge|at Ft. Worth|on a sunny day|inside
|behind a fence, etc.|with the others|in Sept. 2012|on Fri. morning|in the '60s|in the 1970s|at St. Paul's|on Mt. Rainier|vs. the other team""".replace("\n", "").split("|")
ENDS = [".", ".", ".", "", "", " .", "!", "?", "...", "!!", "?!", ",", ";", " :)", " (close up)", ' "', "'", "…", " -", ". The end.", ".  It's fun.", " etc.", "*", "。", "！"]

NASTY = """
|   |.|!|...|?!|'|"|--|-----|a|A|I|1|%|$|()|a.|a b|the the the the|THE THE the|dog dog dog dog dog dog|一个男人在骑马。|一个 男人 骑 马
|两只狗，一只猫！|これは犬です。|Ünïcödé Straße ÉCOLE|привет мир|emoji 🐶 dog|❤️ love ☀|tab\there|non\u00a0breaking space|ideographic\u3000space
|soft\u00adhyphen|zero\u200bwidth|can't cannot CAN'T can’t|gonna wanna gotta gimme lemme|'tis 'twas 'til 'em 'cause|y'all y’all d'ye c'mon s'mores
|o'clock O'Brien d'Artagnan l'eau ma'am ne'er e'er Hawai'i|rock'n'roll rock 'n' roll|it's its' it’s its|James' James's boys' '90s 90's 1990's ’90s
|I'd've you'd've wouldn't've|1,000.50 1.2.3 .5 5. -5 +5 5-10 10-12-2015 2015-10-12 1:30pm 12:30-1:30|1/2 1/2-inch 3 1/2 10/12/2015 24/7 w/o w/ s/he
|20%off 50% 5%.|$20 US$5 C$5 £5 €5 5¢ ¥5|#1 #hashtag @user @home a@b.com|R&B AT&T B&W b&w M&M's Q&A|-LRB- (a) ((b)) [c] {d} <e> <f
|:) :-) ;) :D =( :P :-( ^_^|a_b __ _a a_|a*b ** * a+b a=b a~b a|b a\\b a/b/c/d|"double" 'single' `back` ``ptb'' “curly” ‘curly’ «guillemets»
|hello.World what!then why?no end.|wait...no-one wait.. wait. .. ....|a--b a-b--c -a b- t-shirt- e-mail's|Mr. Mrs. Dr. St. Ave. Jr. vs. etc. Inc. Co.
|no. 5 No. 5 no. fig. 2 pp. 3 in. ft. oz. lb.|La. la. Tex. tex. Pa. pa., miss. Miss. mass.|e.g. i.e. a.m. p.m. U.S. U.S.A. USA. x.y.z.
|plan b. The dog|vitamin C. It is|type a. people|http://example.com/a?b=c www.example.com example.com|3D 3-D 2nd 21st 5kg 1920x1080 F-16's B52
|5'10" 6' 2" 12" 2'x4' 5’10|twenty-one 10-year-old mother-in-law's|U.S.-based a-U.S. b-1.5 1.5-b 1,000-b a.b-c|½ 1½ ¾ ⅔ m² © ® ™ • × ÷ ± §
|中文abc abc中文 中文1 1中文 中-文|，。、；：？！（）【】《》“”‘’|…… —— ～ ・|dog's. dogs'. dog's, "dog's" 'dog's'|hello., hello.; dog., U.S., a-b.;
|C# F# C++ c++. A+ A-|Don`t don´t it`s|555-1234 (555) 555-1234 1-800-555-1234|ALL CAPS CAPTION, ISN'T IT? IT'S NICE|a,b a, b a ,b a;b a:b 16:9
|salt'n'pepper fish 'n chips, mac 'n. mice 'n|plan é. 骑. y.|http://a.b/c. http://a.b/c; 'http://a.b/c' (http://a.b/c)|l'oreal L'Oreal O'Hare o'hare McDonald's|hit y' then or y', d' a j'ai|goin' doin' nothin' somethin' lil' ol'""".lstrip("\n").split("|")
NASTY = [caption.rstrip("\n") for caption in NASTY]


def made_captions(rng: random.Random, count: int) -> list[str]:
    """Sentences put together at random; no two alike."""
    captions: dict[str, None] = {}
    while len(captions) < count:
        parts = [rng.choice(SUBJECTS), rng.choice(VERBS), rng.choice(OBJECTS)]
        if rng.random() < 0.7:
            parts.append(rng.choice(PLACES))
        text = " ".join(parts)
        if rng.random() < 0.6:
            text = text[0].upper() + text[1:]
        if rng.random() < 0.05:
            text = text.upper()
        captions[text + rng.choice(ENDS)] = None
    return list(captions)


def reworded(rng: random.Random, caption: str) -> str:
    """The caption with some words dropped, doubled, swapped, in other case or from another caption."""
    words = caption.split(" ")
    for _ in range(rng.randint(0, 4)):
        at = rng.randrange(len(words))
        change = rng.randrange(5)
        if change == 0 and len(words) > 1:
            del words[at]
        elif change == 1:
            words.insert(at, words[at])
        elif change == 2:
            other = rng.randrange(len(words))
            words[at], words[other] = words[other], words[at]
        elif change == 3:
            words[at] = words[at].upper()
        else:
            words[at] = rng.choice([*OBJECTS, *PLACES, *VERBS])
    return " ".join(words)
