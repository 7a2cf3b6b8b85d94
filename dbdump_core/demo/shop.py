"""The shop database: twelve related tables and an empty one, the same for the same seed.

Everything in it can be stored by each engine that dbdump knows, so the file also serves to try a
copy to a server. Moments are spelled as dbdump, like Django and SQLAlchemy, spells them in SQLite,
with six digits of a fraction or none: then two databases are equal when their bytes are.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple, TypeVar

from . import texts
from .draw import Draw

LEAST_ROWS = 1000
ROWS = 200_000

T = TypeVar("T")
Row = tuple[object, ...]

SCHEMA = """
CREATE TABLE country (
    code CHAR(2) NOT NULL PRIMARY KEY,
    name VARCHAR(80) NOT NULL UNIQUE,
    native_name VARCHAR(80) NOT NULL,
    currency CHAR(3) NOT NULL,
    vat_percent DECIMAL(5,2) NOT NULL,
    in_union BOOLEAN NOT NULL
);
CREATE TABLE category (
    id INTEGER NOT NULL PRIMARY KEY,
    parent_id INTEGER REFERENCES category (id) ON DELETE CASCADE,
    slug VARCHAR(60) NOT NULL UNIQUE,
    name VARCHAR(80) NOT NULL,
    position SMALLINT NOT NULL
);
CREATE TABLE tag (
    id INTEGER NOT NULL PRIMARY KEY,
    slug VARCHAR(40) NOT NULL UNIQUE,
    label VARCHAR(80),
    colour BLOB
);
CREATE TABLE product (
    id INTEGER NOT NULL PRIMARY KEY,
    category_id INTEGER REFERENCES category (id) ON DELETE SET NULL,
    sku VARCHAR(20) NOT NULL UNIQUE,
    name VARCHAR(120) NOT NULL,
    description TEXT,
    price DECIMAL(10,2) NOT NULL,
    weight REAL,
    attributes JSON,
    is_active BOOLEAN NOT NULL,
    released_on DATE,
    created_at DATETIME NOT NULL
);
CREATE INDEX product_category ON product (category_id, is_active);
CREATE TABLE product_image (
    id INTEGER NOT NULL PRIMARY KEY,
    product_id INTEGER NOT NULL REFERENCES product (id) ON DELETE CASCADE,
    position SMALLINT NOT NULL,
    content BLOB NOT NULL,
    thumbnail BLOB,
    checksum BIGINT NOT NULL,
    UNIQUE (product_id, position)
);
CREATE TABLE product_tag (
    product_id INTEGER NOT NULL REFERENCES product (id) ON DELETE CASCADE,
    tag_id INTEGER NOT NULL REFERENCES tag (id) ON DELETE CASCADE,
    PRIMARY KEY (product_id, tag_id)
);
CREATE INDEX product_tag_tag ON product_tag (tag_id);
CREATE TABLE warehouse (
    id INTEGER NOT NULL PRIMARY KEY,
    country_code CHAR(2) NOT NULL REFERENCES country (code) ON DELETE RESTRICT,
    manager_id INTEGER REFERENCES employee (id) ON DELETE SET NULL,
    city VARCHAR(80) NOT NULL,
    opens_at TIME NOT NULL,
    latitude DOUBLE NOT NULL,
    longitude DOUBLE NOT NULL
);
CREATE TABLE employee (
    id INTEGER NOT NULL PRIMARY KEY,
    warehouse_id INTEGER NOT NULL REFERENCES warehouse (id) ON DELETE RESTRICT,
    name VARCHAR(120) NOT NULL,
    email VARCHAR(120) NOT NULL UNIQUE,
    hired_on DATE NOT NULL,
    salary DECIMAL(10,2),
    shift_starts_at TIME,
    photo BLOB
);
CREATE TABLE customer (
    id INTEGER NOT NULL PRIMARY KEY,
    public_id CHAR(36) NOT NULL UNIQUE,
    country_code CHAR(2) NOT NULL REFERENCES country (code) ON DELETE RESTRICT,
    name VARCHAR(120) NOT NULL,
    email VARCHAR(120) NOT NULL UNIQUE,
    city VARCHAR(80) NOT NULL,
    postcode VARCHAR(12) NOT NULL,
    born_on DATE,
    newsletter BOOLEAN,
    credit DECIMAL(10,2) NOT NULL,
    remarks TEXT,
    preferences JSON,
    joined_at DATETIME NOT NULL
);
CREATE INDEX customer_country ON customer (country_code);
CREATE TABLE shop_order (
    id INTEGER NOT NULL PRIMARY KEY,
    customer_id INTEGER NOT NULL REFERENCES customer (id) ON DELETE RESTRICT,
    warehouse_id INTEGER REFERENCES warehouse (id) ON DELETE SET NULL,
    status VARCHAR(12) NOT NULL,
    placed_at DATETIME NOT NULL,
    ship_on DATE,
    deliver_after TIME,
    total DECIMAL(10,2) NOT NULL,
    is_gift BOOLEAN NOT NULL,
    greeting TEXT
);
CREATE INDEX shop_order_customer ON shop_order (customer_id, placed_at);
CREATE TABLE order_line (
    order_id INTEGER NOT NULL REFERENCES shop_order (id) ON DELETE CASCADE,
    number SMALLINT NOT NULL,
    product_id INTEGER NOT NULL REFERENCES product (id) ON DELETE RESTRICT,
    quantity INTEGER NOT NULL,
    unit_price DECIMAL(10,2) NOT NULL,
    discount DOUBLE,
    remark VARCHAR(120),
    PRIMARY KEY (order_id, number)
);
CREATE INDEX order_line_product ON order_line (product_id);
CREATE TABLE payment (
    id INTEGER NOT NULL PRIMARY KEY,
    order_id INTEGER NOT NULL REFERENCES shop_order (id) ON DELETE CASCADE,
    transaction_id CHAR(36) NOT NULL UNIQUE,
    method VARCHAR(12) NOT NULL,
    amount DECIMAL(10,2) NOT NULL,
    fee DOUBLE NOT NULL,
    paid_at TIMESTAMP NOT NULL,
    confirmed BOOLEAN,
    receipt BLOB
);
CREATE INDEX payment_order ON payment (order_id);
CREATE TABLE gift_card (
    code VARCHAR(20) NOT NULL PRIMARY KEY,
    customer_id INTEGER REFERENCES customer (id) ON DELETE SET NULL,
    balance DECIMAL(10,2) NOT NULL,
    valid_until DATE
);
"""


class Counts(NamedTuple):
    """How many rows each table of the shop gets."""

    country: int
    category: int
    tag: int
    product: int
    product_image: int
    product_tag: int
    warehouse: int
    employee: int
    customer: int
    shop_order: int
    order_line: int
    payment: int
    gift_card: int = 0

    @classmethod
    def of(cls, rows: int) -> Counts:
        """Share out `rows` exactly. Raises ValueError below LEAST_ROWS: the tables need each other."""
        if rows < LEAST_ROWS:
            raise ValueError(f"{rows} rows are too few for the shop; ask for {LEAST_ROWS} or more")
        products, orders = rows // 50, rows // 5
        shares = cls(
            country=len(texts.COUNTRIES), category=60, tag=40, product=products, product_image=products,
            product_tag=3 * products, warehouse=8, employee=max(8, rows // 500), customer=rows // 10,
            shop_order=orders, order_line=0, payment=orders * 19 // 20,
        )  # fmt: skip
        return shares._replace(order_line=rows - sum(shares))


def _first_all(hard: Sequence[T], id_: int, otherwise: T | None) -> T | None:
    """Return the hard values one by one for the first ids, so that no size of the shop lacks one."""
    return hard[id_ - 1] if id_ <= len(hard) else otherwise


def _countries(draw: Draw, counts: Counts) -> Iterator[Row]:
    yield from texts.COUNTRIES


def _categories(draw: Draw, counts: Counts) -> Iterator[Row]:
    # The tree hangs upside down in half of the rows: a parent may come after its children.
    for id_ in range(1, counts.category + 1):
        parent = None if id_ in (1, counts.category) else (1 if id_ % 3 == 0 else counts.category)
        yield id_, parent, f"category-{id_}", draw.one(texts.THINGS), draw.below(100)


def _tags(draw: Draw, counts: Counts) -> Iterator[Row]:
    for id_ in range(1, counts.tag + 1):
        yield id_, f"tag-{id_}", draw.one(texts.ADJECTIVES), draw.sometimes(0.8, draw.randbytes(3))


def _products(draw: Draw, counts: Counts) -> Iterator[Row]:
    for id_ in range(1, counts.product + 1):
        yield (
            id_,
            draw.sometimes(0.95, 1 + draw.below(counts.category)),
            f"{id_:08}",
            f"{draw.one(texts.ADJECTIVES)} {draw.one(texts.THINGS)}",
            draw.text(),
            draw.price(100_000),
            _first_all(texts.HARD_DOUBLES, id_, draw.sometimes(0.9, draw.double())),
            draw.sometimes(0.8, draw.one(texts.JSON_TEXTS)),
            draw.below(2),
            draw.sometimes(0.7, draw.date()),
            draw.moment(),
        )


def _product_images(draw: Draw, counts: Counts) -> Iterator[Row]:
    for id_ in range(1, counts.product_image + 1):
        content = draw.randbytes(draw.below(2000))
        thumbnail = draw.one((b"", b"plain ASCII", "déjà vu".encode(), b"\0\\N\t\n\r\xff", content[:40]))
        checksum = _first_all(texts.HARD_INTEGERS, id_, draw.getrandbits(63))
        yield id_, id_, draw.below(5), content, draw.sometimes(0.7, thumbnail), checksum


def _product_tags(draw: Draw, counts: Counts) -> Iterator[Row]:
    tags = range(1, counts.tag + 1)
    for product in range(1, counts.product + 1):
        for tag in draw.sample(tags, 3):
            yield product, tag


def _warehouses(draw: Draw, counts: Counts) -> Iterator[Row]:
    for id_ in range(1, counts.warehouse + 1):
        manager = None if id_ == 1 else id_
        place = draw.one(texts.COUNTRIES).code, manager, draw.one(texts.CITIES)
        yield id_, *place, draw.time(), draw.uniform(-90, 90), draw.uniform(-180, 180)


def _employees(draw: Draw, counts: Counts) -> Iterator[Row]:
    for id_ in range(1, counts.employee + 1):
        yield (
            id_,
            1 + (id_ - 1) % counts.warehouse,
            draw.name(),
            f"employee{id_}@shop.example",
            draw.date(),
            draw.sometimes(0.9, draw.price(99_999_999)),
            draw.sometimes(0.8, draw.time()),
            draw.sometimes(0.5, draw.randbytes(draw.below(300))),
        )


def _customers(draw: Draw, counts: Counts) -> Iterator[Row]:
    for id_ in range(1, counts.customer + 1):
        yield (
            id_,
            draw.uuid(),
            draw.one(texts.COUNTRIES).code,
            draw.name(),
            f"customer{id_}@mail.example",
            draw.one(texts.CITIES),
            f"{draw.below(100_000):05}",
            draw.sometimes(0.6, draw.date()),
            draw.one((None, 0, 1)),
            draw.one(("0.00", "-" + draw.price(100), draw.price(1000))),
            _first_all(texts.TROUBLE, id_, draw.text()),
            draw.sometimes(0.5, draw.one(texts.JSON_TEXTS)),
            draw.moment(),
        )


_STATES = ("new", "paid", "packed", "shipped", "returned")
_METHODS = ("card", "cash", "transfer", "gift_card")


def _shop_orders(draw: Draw, counts: Counts) -> Iterator[Row]:
    for id_ in range(1, counts.shop_order + 1):
        yield (
            id_,
            1 + draw.below(counts.customer),
            draw.sometimes(0.9, 1 + draw.below(counts.warehouse)),
            draw.one(_STATES),
            draw.moment(),
            draw.sometimes(0.7, draw.date()),
            draw.sometimes(0.3, draw.time()),
            draw.price(5000),
            draw.below(2),
            draw.text(),
        )


def _order_lines(draw: Draw, counts: Counts) -> Iterator[Row]:
    lines_each, orders_with_more = divmod(counts.order_line, counts.shop_order)
    for order in range(1, counts.shop_order + 1):
        for number in range(1, lines_each + 1 + (order <= orders_with_more)):
            yield (
                order,
                number,
                1 + draw.below(counts.product),
                1 + draw.below(9),
                draw.price(1000),
                draw.sometimes(0.5, draw.random()),
                draw.text() if number == 1 else None,
            )


def _payments(draw: Draw, counts: Counts) -> Iterator[Row]:
    for id_ in range(1, counts.payment + 1):
        yield (
            id_,
            1 + draw.below(counts.shop_order),
            draw.uuid(),
            draw.one(_METHODS),
            draw.price(5000),
            draw.double(),
            draw.moment(),
            draw.one((None, 0, 1)),
            draw.sometimes(0.2, draw.randbytes(draw.below(60))),
        )


def _gift_cards(draw: Draw, counts: Counts) -> Iterator[Row]:
    yield from ()


_MAKERS: dict[str, Callable[[Draw, Counts], Iterator[Row]]] = {
    "country": _countries, "category": _categories, "tag": _tags, "product": _products,
    "product_image": _product_images, "product_tag": _product_tags, "warehouse": _warehouses,
    "employee": _employees, "customer": _customers, "shop_order": _shop_orders, "order_line": _order_lines,
    "payment": _payments, "gift_card": _gift_cards,
}  # fmt: skip

TABLES = tuple(_MAKERS)

# The file is new: what a crash leaves of it is thrown away, so nothing needs to reach the disk early.
_QUICK = "PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY; PRAGMA cache_size = -64000;"


def make_shop(path: Path, *, rows: int = ROWS, seed: int = 2007) -> None:
    """Make the SQLite file `path` with `rows` rows over all tables.

    The same `rows` and `seed` give the same content. Raises ValueError when `rows` is below
    LEAST_ROWS, FileExistsError when the file is there.
    """
    counts = Counts.of(rows)
    if path.exists():
        raise FileExistsError(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(_QUICK + SCHEMA)
        connection.execute("BEGIN")
        for table, maker in _MAKERS.items():
            _fill(connection, table, maker(Draw(f"{seed} {table}"), counts))


def _fill(connection: sqlite3.Connection, table: str, rows: Iterator[Row]) -> None:
    width = len(connection.execute(f"PRAGMA table_info({table})").fetchall())
    connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * width)})", rows)
