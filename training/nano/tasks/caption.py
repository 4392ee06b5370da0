"""What a picture shows, in one sentence."""

from ..phrases import say
from ..scenes.picture import Picture
from ..wording import Names, capital, join

CHART_KINDS = {
    "bar": {"en": "bar chart", "zh": "柱状图"},
    "line": {"en": "line chart", "zh": "折线图"},
    "pie": {"en": "pie chart", "zh": "饼图"},
}


def says(text: str, lang: str) -> str:
    return say(lang, f'It says "{text}".', f"图中写着“{text}”。")


def caption(pic: Picture, lang: str) -> str:
    text, names = "\n".join(pic.texts), Names(pic.things, lang)
    if pic.kind == "text":
        return says(text, lang)
    if pic.kind == "receipt":
        return say(lang, "A receipt:\n", "一张小票：\n") + text
    if pic.chart:
        chart = pic.chart
        items = [f"{x} {v}{chart.unit}" for x, v in zip(chart.labels, chart.values, strict=True)]
        kind, shown = CHART_KINDS[chart.kind][lang], join(items, lang)
        return say(lang, f"A {kind} with {shown}.", f"{kind}，{shown}。")
    if pic.kind == "label":
        name = names.a(pic.things[0])
        return say(lang, f'{capital(name)} with the text "{text}".', f"{name}，写着“{text}”。")
    shown = names.listing(pic.things)
    return say(lang, f"{capital(shown)}.", f"{shown}。")
