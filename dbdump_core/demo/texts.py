"""Words for the shop: many scripts, and the texts that break careless programs."""

from __future__ import annotations

from typing import NamedTuple


class Country(NamedTuple):
    """One row of the table `country`."""

    code: str
    name: str
    native_name: str
    currency: str
    vat_percent: str
    in_union: int


COUNTRIES = (
    Country("AE", "United Arab Emirates", "الإمارات", "AED", "5.00", 0),
    Country("AT", "Austria", "Österreich", "EUR", "20.00", 1),
    Country("BG", "Bulgaria", "България", "EUR", "20.00", 1),
    Country("BR", "Brazil", "Brasil", "BRL", "17.50", 0),
    Country("CN", "China", "中国", "CNY", "13.00", 0),
    Country("CZ", "Czechia", "Česko", "CZK", "21.00", 1),
    Country("DE", "Germany", "Deutschland", "EUR", "19.00", 1),
    Country("EG", "Egypt", "مصر", "EGP", "14.00", 0),
    Country("ES", "Spain", "España", "EUR", "21.00", 1),
    Country("FI", "Finland", "Suomi", "EUR", "25.50", 1),
    Country("FR", "France", "France", "EUR", "20.00", 1),
    Country("GE", "Georgia", "საქართველო", "GEL", "18.00", 0),
    Country("GR", "Greece", "Ελλάδα", "EUR", "24.00", 1),
    Country("IL", "Israel", "ישראל", "ILS", "18.00", 0),
    Country("IN", "India", "भारत", "INR", "18.00", 0),
    Country("IS", "Iceland", "Ísland", "ISK", "24.00", 0),
    Country("JP", "Japan", "日本", "JPY", "10.00", 0),
    Country("KR", "South Korea", "대한민국", "KRW", "10.00", 0),
    Country("NO", "Norway", "Norge", "NOK", "25.00", 0),
    Country("PL", "Poland", "Polska", "PLN", "23.00", 1),
    Country("TH", "Thailand", "ประเทศไทย", "THB", "7.00", 0),
    Country("TR", "Türkiye", "Türkiye", "TRY", "20.00", 0),
    Country("UA", "Ukraine", "Україна", "UAH", "20.00", 0),
    Country("VN", "Vietnam", "Việt Nam", "VND", "10.00", 0),
)

GIVEN_NAMES = (
    "Amélie", "Søren", "Łucja", "José", "Þóra", "Ngọc", "Ayşe", "Zoë", "Ελένη", "Νίκος", "Олена", "Дмитро",
    "Мария", "ليلى", "يوسف", "נועה", "דוד", "प्रिया", "अर्जुन", "伟", "美玲", "さくら", "健太", "민준", "서연",
    "สมชาย", "มาลี", "ნინო", "Anne-Marie", "D'Arcy", "Ada", "Jo",
)  # fmt: skip

FAMILY_NAMES = (
    "O'Brien", "Müller", "Ångström", "Šimůnek", "Żółć", "Núñez", "Nguyễn", "Yıldız", "Παπαδόπουλος",
    "Ковальчук", "Иванова", "حداد", "المصري", "כהן", "בן־דוד", "शर्मा", "अय्यर", "王", "欧阳", "佐藤",
    "渡邊", "김", "이", "ศรีสุข", "ბერიძე", "van der Berg", "Smith", "Lo",
)  # fmt: skip

CITIES = (
    "Wien", "São Paulo", "Kraków", "Αθήνα", "Київ", "София", "القاهرة", "חיפה", "मुंबई", "北京", "東京", "서울",
    "กรุงเทพฯ", "თბილისი", "Reykjavík", "Đà Nẵng", "İzmir", "Oslo",
)  # fmt: skip

ADJECTIVES = (
    "blue", "süß", "léger", "petit", "μικρό", "тёплый", "зелений", "جديد", "חדש", "नया", "新しい",
    "小さな", "快乐", "따뜻한", "ใหม่", "ახალი", "folding", "extra-long", "50%-wool", "1/2\"",
)  # fmt: skip

THINGS = (
    "kettle", "Türschloss", "chaise", "ποδήλατο", "лампа", "годинник", "كتاب", "כיסא", "घड़ी", "茶碗",
    "自行车", "의자", "ร่ม", "სკამი", "mug ☕", "bike 🚲", "cœur", "smörgåskniv", "pen\\pencil", "cable 2×3 m",
)  # fmt: skip

SENTENCES = (
    "Arrived early, works well, would buy again.",
    "Très bien emballé, mais la notice n'est qu'en anglais.",
    "Größe fällt klein aus – Übergröße bestellen!",
    "Το χρώμα είναι λίγο πιο σκούρο από τη φωτογραφία.",
    "Коробка пришла мятая, но внутри всё цело.",
    "Чудова річ, раджу всім.",
    "الجودة ممتازة والسعر مناسب.",
    "המשלוח הגיע בזמן, תודה רבה.",
    "सामान अच्छा है, पर डिब्बा टूटा हुआ था।",
    "包装很好,两天就到了。",
    "説明書が分かりやすくて助かりました。",
    "생각보다 훨씬 가볍고 튼튼해요.",
    "สินค้าดีมาก ส่งเร็ว",
    "ძალიან კარგი ხარისხია.",
    'Leave it with the neighbour 🏡, second floor, bell reads "Lo & Sons".',
    "Gift for my mother 🎁 — please no invoice in the box.",
)

TROUBLE = (
    "",
    " ",
    "\\N",
    "\\.",
    "NULL",
    "null",
    "NaN",
    "007",
    "1e5",
    "0x1F",
    "-0",
    "\\",
    "\\\\x6869",
    "C:\\new\\table\\readme",
    "tab\tbetween",
    "\t",
    "line one\nline two\n",
    "old\rmac and\r\ndos",
    'it\'s "quoted" `thrice`',
    "100 % of %s and %d, %(name)s, {0}, $1, :name, ?",
    "'); DROP TABLE customer; --",
    "  space before and after  ",
    "e\u0301 is not \u00e9, nor is \ufb01 fi",
    "\u200frtl mark עברית\u200e then ltr",
    "\u202eoverridden\u202c",
    "family 👨‍👩‍👧‍👦, flag 🇺🇦, thumb 👍🏽, sushi 🍣, beer 🍺",
    "zero\u200bwidth\u2060 and soft\u00adhyphen",
    "\ufeffmark first",
    "line\u2028paragraph\u2029next\u0085",
    "last \U0010ffff and 𝔘𝔫𝔦𝔠𝔬𝔡𝔢",
    "controls \x01\x07\x08\x0b\x0c\x1a\x1b\x1c\x1d\x1e\x1f\x7f",
    "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́",
    "<b>&amp;</b> ]]>",
    "a,b;c|d",
    "İstanbul ıspanak ß ẞ ﬀ",
)

JSON_TEXTS = (
    "{}",
    "[]",
    "null",
    '{"b": 1, "a": 1.10}',
    '{"size":"XL","colours":["rouge","синий","藍"],"in_stock":true}',
    '{"quote": "\\"", "backslash": "\\\\", "tab": "\\t", "snow": "\\u2603"}',
    '{"deep": {"er": {"still": [1, [2, [3, [null]]]]}}}',
    '{"big": 18446744073709551615, "small": 1e-7, "emoji": "🚲"}',
    '[\n  "pretty",\n\t"printed"\n]',
)

HARD_DOUBLES = (
    0.0,
    1.0,
    -1.5,
    0.1 + 0.2,
    1 / 3,
    1e15,
    1e16,
    123456789.12345679,
    9007199254740993.0,
    5e-324,
    2.2250738585072014e-308,
    1.7976931348623157e308,
    -1.7976931348623157e308,
)

HARD_INTEGERS = (0, 1, -1, 2**31 - 1, 2**31, -(2**31) - 1, 2**53 + 1, 2**63 - 1, -(2**63))
