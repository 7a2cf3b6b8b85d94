"""Sample schemas with their rows: the shapes that trip over order, names and keys."""

from __future__ import annotations

from dbdump_core.model.schema import (
    Column,
    Default,
    DefaultKind,
    ForeignKey,
    Identity,
    Index,
    Table,
    TableKey,
    UniqueKey,
)
from dbdump_core.model.types import BIGINT, BYTES, FLOAT, INTEGER, TEXT, TIMESTAMP, parse_type
from tests.memory import Row

VARCHAR = parse_type("varchar(40)")
PRICE = parse_type("decimal(10,2)")


def _id(name: str = "id", identity: Identity | None = None) -> Column:
    return Column(name, BIGINT, nullable=False, identity=identity)


def _refers(table: str, column: str, **more: str) -> ForeignKey:
    return ForeignKey(None, (column,), TableKey(None, table), ("id",), **more)


COMPOSITE = Table(
    "composite",
    (Column("a", INTEGER, nullable=False), Column("b", VARCHAR, nullable=False), Column("value", FLOAT)),
    primary_key=("a", "b"),
    indexes=(Index("composite_value", ("value",)),),
)
COMPOSITE_CHILD = Table(
    "composite_child",
    (_id(), Column("a", INTEGER), Column("b", VARCHAR)),
    primary_key=("id",),
    foreign_keys=(ForeignKey(None, ("a", "b"), TableKey(None, "composite"), ("a", "b"), on_delete="cascade"),),
)
NO_KEY = Table("no_key", (Column("word", TEXT), Column("number", INTEGER)))
TREE = Table(
    "tree",
    (_id(identity=Identity.AUTO), Column("parent_id", BIGINT), Column("name", VARCHAR, nullable=False)),
    primary_key=("id",),
    unique=(UniqueKey(None, ("name",)),),
    foreign_keys=(_refers("tree", "parent_id"),),
)
LEFT = Table(
    "left_half",
    (_id(), Column("right_id", BIGINT, nullable=False)),
    primary_key=("id",),
    foreign_keys=(_refers("right_half", "right_id"),),
)
RIGHT = Table(
    "right_half",
    (_id(), Column("left_id", BIGINT, nullable=False)),
    primary_key=("id",),
    foreign_keys=(_refers("left_half", "left_id"),),
)
RESERVED = Table(
    "select",
    (Column("order", INTEGER, nullable=False), Column("group", TEXT), Column("from", TEXT), Column("key", TEXT)),
    primary_key=("order",),
)
MIXED_CASE = Table("MixedCase", (Column("Id", INTEGER, nullable=False), Column("CamelCase", TEXT)), primary_key=("Id",))
ODD_NAMES = Table(
    'od"d `n`ame %d 100%',
    tuple(
        Column(name, TEXT)
        for name in ("per%cent", "%s", "%(x)s", 'dou"ble', "sin'gle", "back`tick", "co:lon", ":bound", "semi;--",
                     "é ü 日本", "back\\slash", "br[ack]et", "a.b", " lead", "$1", "?")
    ),
)  # fmt: skip
EMPTY = Table("empty", (_id(identity=Identity.AUTO), Column("nothing", TEXT)), primary_key=("id",))
GENERATED = Table(
    "generated",
    (
        _id(),
        Column("price", PRICE, nullable=False),
        Column("quantity", INTEGER, nullable=False),
        Column("total", parse_type("decimal(12,2)"), generated="price * quantity"),
    ),
    primary_key=("id",),
)
IDENTITY = Table(
    "numbered",
    (
        _id(identity=Identity.ALWAYS),
        Column("payload", BYTES),
        Column("at", TIMESTAMP),
        Column("state", VARCHAR, nullable=False, default=Default(DefaultKind.VALUE, "new")),
    ),
    primary_key=("id",),
)

TABLES: dict[Table, list[Row]] = {
    COMPOSITE_CHILD: [("1", "1", "x"), ("2", "1", "X"), ("3", None, "x"), ("4", None, None)],
    COMPOSITE: [("1", "x", "0.1"), ("1", "X", None), ("2", "x", "1e+300")],
    NO_KEY: [("same", "1"), ("same", "1"), ("same", "1"), (None, None), ("", "2")],
    TREE: [("3", "1", "leaf"), ("1", None, "root"), ("2", "1", "branch"), ("7", "7", "itself")],
    LEFT: [("1", "11"), ("2", "10")],
    RIGHT: [("10", "1"), ("11", "2")],
    RESERVED: [("1", "g", "f", "k"), ("0", None, "", "\\N")],
    MIXED_CASE: [("1", "A"), ("-1", "a")],
    ODD_NAMES: [tuple(f"{number}" for number in range(16)), (None,) * 16],
    EMPTY: [],
    GENERATED: [("1", "9.99", "3", "29.97"), ("2", "0.00", "0", "0.00")],
    IDENTITY: [
        ("5", "\\x00ff", "2024-01-01 00:00:00.5", "new"),
        ("1000000", None, None, ""),
        ("0", "\\x", "1999-12-31 23:59:59.999999", "é"),
    ],
}
