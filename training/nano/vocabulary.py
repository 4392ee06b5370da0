"""What can be drawn and printed, and what it is called: colours, shapes, concepts, words, characters."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from .config import ASSETS


class Color(NamedTuple):
    zh: str
    rgb: tuple[int, int, int]


COLORS = {
    "red": Color("红色", (222, 40, 40)),
    "orange": Color("橙色", (245, 140, 30)),
    "yellow": Color("黄色", (246, 216, 45)),
    "green": Color("绿色", (48, 160, 72)),
    "blue": Color("蓝色", (42, 100, 222)),
    "purple": Color("紫色", (132, 60, 184)),
    "pink": Color("粉色", (246, 150, 190)),
    "brown": Color("棕色", (130, 80, 45)),
    "black": Color("黑色", (22, 22, 22)),
    "white": Color("白色", (252, 252, 252)),
    "gray": Color("灰色", (134, 134, 134)),
}
SHAPES = {
    "circle": "圆形",
    "square": "正方形",
    "triangle": "三角形",
    "rectangle": "长方形",
    "star": "五角星",
    "heart": "心形",
    "pentagon": "五边形",
    "hexagon": "六边形",
    "diamond": "菱形",
    "oval": "椭圆形",
    "cross": "十字形",
    "ring": "圆环",
}
CATEGORIES = {
    "animal": "动物",
    "plant": "植物",
    "fruit": "水果",
    "vegetable": "蔬菜",
    "food": "食物",
    "drink": "饮料",
    "vehicle": "交通工具",
    "clothing": "服饰",
    "device": "电子产品",
    "music": "音乐用品",
    "sport": "运动用品",
}

# English names that take no plain article or number.
PAIRS = {"glasses", "sunglasses", "jeans", "gloves", "socks", "shorts", "headphones", "skis", "scissors", "chopsticks"}
GROUPS = {
    "grapes": "a bunch of grapes",
    "pancakes": "a stack of pancakes",
    "noodles": "a bowl of noodles",
    "books": "a stack of books",
    "spaghetti": "a plate of spaghetti",
    "rice": "a bowl of rice",
}
_MASS_NAMES = (
    "bread cheese meat bacon popcorn butter salt sushi honey milk coffee tea champagne wine beer soda corn garlic "
    "broccoli lightning fire yarn thread soap bowling chocolate fireworks sun earth"
)
MASS = {"canned food", "bubble tea", "french fries", *_MASS_NAMES.split()}
TAKES_ARE = PAIRS | {"grapes", "pancakes", "noodles", "books", "french fries", "fireworks"}

# Chinese measure words of names that do not take the one of their line in concepts.txt.
_MEASURE_EXCEPTIONS = {
    "双": "袜子 鞋子 运动鞋 靴子 高跟鞋 登山鞋 筷子 冰鞋 轮滑鞋",
    "副": "眼镜 墨镜 手套 耳机 滑雪板",
    "条": "牛仔裤 短裤 裙子 围巾 领带 鱼 蛇 龙 鲨鱼 鲸鱼 鱿鱼 毛毛虫 口红",
    "顶": "皇冠 太阳帽 礼帽 学士帽 鸭舌帽 头盔 帐篷",
    "枚": "戒指 硬币 奖牌",
    "匹": "马",
    "头": "奶牛 猪 大象 狮子 骆驼 犀牛 河马",
    "把": "雨伞 勺子 刀 椅子 锁 钥匙 锤子 斧头 匕首 锯子 扳手 螺丝刀 剪刀 扫帚 牙刷 吉他 小提琴 直尺",
    "本": "书 打开的书 笔记本 日历",
    "张": "床 票 钞票 信用卡 世界地图 收据 光盘",
    "支": "铅笔 钢笔 画笔 蜡笔 蜡烛",
    "台": "电视机 台式电脑 笔记本电脑 打印机 收音机 相机 电影摄影机 显微镜 加油机",
    "部": "手机 电话",
    "架": "钢琴",
    "块": "肉 牛排 奶酪 黄油 巧克力 肥皂 海绵 冰块 蛋糕 拼图 手表",
    "片": "面包 培根 枫叶",
    "串": "葡萄 鞭炮",
    "朵": "云 雨云 雪云 雷雨云 蘑菇",
    "根": "香蕉 胡萝卜 法棍 玉米 热狗 黄瓜",
    "碗": "米饭 面条",
    "盘": "意大利面 沙拉",
    "份": "薯条 寿司 便当",
    "棵": "圣诞树",
}
_MEASURES = {name: measure for measure, names in _MEASURE_EXCEPTIONS.items() for name in names.split()}


@dataclass
class Concept:
    """A thing there are pictograms of."""

    index: int
    en: str
    zh: str
    category: str
    measure: str
    code_points: list[str]  # of its emoji; several are several drawings of the same concept
    sprites: dict[str, list] = field(default_factory=dict)  # artwork family -> Sprite per code point

    @property
    def art_held_out(self) -> bool:
        """Whether the "fluent" drawing of this concept is kept for evaluation: so for 30 % of them."""
        return self.index % 10 in (3, 6, 9)


@dataclass
class Thing:
    """Something drawn: a pictogram (concept set) or a coloured shape."""

    en: str
    zh: str
    measure: str
    color: str | None = None
    concept: Concept | None = None
    box: tuple[float, float, float, float] | None = None  # x0, y0, x1, y1 in pixels
    size: float = 0  # area of the box

    @classmethod
    def pictogram(cls, concept: Concept) -> "Thing":
        return cls(concept.en, concept.zh, concept.measure, concept=concept)

    @classmethod
    def shape(cls, name: str, color: str) -> "Thing":
        return cls(name, SHAPES[name], "个", color)

    def another(self) -> "Thing":
        """The same thing, not drawn yet."""
        return replace(self, box=None, size=0)

    @property
    def is_shape(self) -> bool:
        return self.concept is None

    @property
    def key(self):
        """Things with equal keys are the same to the questions; the colour counts for shapes only."""
        return (self.en, self.color) if self.is_shape else self.en

    @property
    def countable(self) -> bool:
        return self.en not in PAIRS and self.en not in GROUPS and self.en not in MASS

    @property
    def verb(self) -> str:
        return "are" if self.en in TAKES_ARE else "is"

    @property
    def center(self) -> tuple[float, float]:
        return (self.box[0] + self.box[2]) / 2, (self.box[1] + self.box[3]) / 2


def read_concepts() -> Iterator[Concept]:
    """The concepts of assets/concepts.txt, without their artwork."""
    index = 0
    for line in (ASSETS / "concepts.txt").read_text(encoding="utf8").splitlines():
        if not line or line.startswith("#"):
            continue
        category, measure, entries = line.split("|")
        for en, zh, code_points in re.findall(r"([^:]+):([^:]+):([0-9a-f,]+)(?: |$)", entries):
            yield Concept(index, en.strip(), zh, category, _MEASURES.get(zh, measure), code_points.split(","))
            index += 1


def _held_out(word: str) -> bool:
    """A tenth of the English words is never printed in training."""
    return sum(map(ord, word)) % 10 == 7


_WORDS = (ASSETS / "words.txt").read_text(encoding="utf8").split()
TRAIN_WORDS = [word for word in _WORDS if not _held_out(word)]
TEST_WORDS = [word for word in _WORDS if _held_out(word) and 3 <= len(word) <= 8]
HANZI = sorted({char for char in (ASSETS / "hanzi.txt").read_text(encoding="utf8") if ord(char) > 255})
