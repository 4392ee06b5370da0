"""Questions about charts."""

from ..phrases import say
from ..scenes.picture import Picture
from ..vocabulary import COLORS
from .caption import CHART_KINDS, caption
from .context import Context
from .question import Question


def ask_type(c: Context, pic: Picture, lang: str) -> Question:
    kind = CHART_KINDS[pic.chart.kind][lang]
    return Question("chart_type", lang, c.ask("chart_type", lang), say(lang, f"It is a {kind}.", f"这是{kind}。"))


def ask_value(c: Context, pic: Picture, lang: str) -> Question:
    chart = pic.chart
    i = c.rng.randrange(len(chart.labels))
    x, value = chart.labels[i], f"{chart.values[i]}{chart.unit}"
    asked = x.lower() if lang == "en" and c.rng.random() < 0.2 else x
    answer = say(lang, f"The value of {x} is {value}.", f"{x}的值是{value}。")
    return Question("chart_value", lang, c.ask("chart_value", lang, x=asked), answer)


def ask_highest(c: Context, pic: Picture, lang: str) -> Question | None:
    return _ask_extreme(c, pic, lang, max(pic.chart.values), "chart_max", say(lang, "highest", "高"))


def ask_lowest(c: Context, pic: Picture, lang: str) -> Question | None:
    return _ask_extreme(c, pic, lang, min(pic.chart.values), "chart_min", say(lang, "lowest", "低"))


def _ask_extreme(c: Context, pic: Picture, lang: str, value: int, intent: str, word: str) -> Question | None:
    chart = pic.chart
    if chart.values.count(value) > 1:
        return None
    x, shown = chart.labels[chart.values.index(value)], f"{value}{chart.unit}"
    answer = say(lang, f"{x} is the {word} with {shown}.", f"{x}最{word}，为{shown}。")
    return Question("chart_max", lang, c.ask(intent, lang), answer)


def ask_number_of_items(c: Context, pic: Picture, lang: str) -> Question:
    n = len(pic.chart.labels)
    answer = say(lang, f"There are {n} items.", f"图表中有{n}项。")
    return Question("chart_count", lang, c.ask("chart_count", lang), answer)


def ask_compare(c: Context, pic: Picture, lang: str) -> Question | None:
    chart = pic.chart
    i, j = c.rng.sample(range(len(chart.labels)), 2)
    if chart.values[i] == chart.values[j]:
        return None
    x, y = chart.labels[i], chart.labels[j]
    if chart.values[i] > chart.values[j]:
        answer = say(lang, f"Yes, {x} is higher than {y}.", f"是的，{x}比{y}高。")
    else:
        answer = say(lang, f"No, {x} is lower than {y}.", f"不是，{x}比{y}低。")
    return Question("chart_compare", lang, c.ask("chart_compare", lang, x=x, y=y), answer)


def ask_item_color(c: Context, pic: Picture, lang: str) -> Question:
    i = c.rng.randrange(len(pic.chart.labels))
    x, color = pic.chart.labels[i], pic.chart.colors[i]
    answer = say(lang, f"{x} is {color}.", f"{x}是{COLORS[color].zh}的。")
    return Question("chart_color", lang, c.ask("chart_color", lang, x=x), answer)


def ask_title(c: Context, pic: Picture, lang: str) -> Question:
    title = pic.chart.title
    answer = say(lang, f'The title is "{title}".', f"标题是“{title}”。")
    return Question("chart_title", lang, c.phrasing.ask_open("chart_title", lang), answer)


def ask_description(c: Context, pic: Picture, lang: str) -> Question:
    return Question("chart_describe", lang, c.ask("chart_describe", lang), caption(pic, lang))
