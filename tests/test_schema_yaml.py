"""The schema file: what is written is read back equal; what is wrong is refused with its place."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from dbdump_core.errors import SchemaError
from dbdump_core.model import schema_yaml, types, yaml_nodes
from dbdump_core.model.schema import (
    Check,
    Column,
    Default,
    DefaultKind,
    ForeignKey,
    Identity,
    Index,
    Native,
    Numbering,
    Schema,
    Table,
    TableKey,
    UniqueKey,
)
from dbdump_core.model.types import Kind, Type

NASTY_NAMES = [
    "no", "Yes", "on", "y", "null", "~", "", " ", "true", "1e3", "1.5", "017", "0x1F", "1:30", "1_000", "=",
    "<<",
    "2024-01-01", ".inf", ".nan", "- a", "a: b", "a #b", "# a", "[a", "{a", "a]", "a,b", "&a", "*a", "!a",
    "|", ">", "?", "-",
    "%a", "@a", "`a`", "'a'", '"a"', "a\\b", "a\nb", "a\tb", "a\rb", "\x00", "\x07", "\x1b[31m",
    "\x7f", "\x85", "\u2028", "\ufeff", "\u200b", "é", "日本", "🍣", "e\u0301", " a", "a ", "---", "...",
    "? a", "a:", ":a", "table", "select", "a; drop table b; --", "a" * 3000,
]  # fmt: skip

EVERY_TYPE = [
    *(Type(Kind.INTEGER, bits=bits) for bits in (8, 16, 24, 32, 64)),
    *(Type(Kind.INTEGER, bits=bits, unsigned=True) for bits in (8, 16, 24, 32, 64)),
    types.BOOLEAN, types.FLOAT, types.REAL, types.TEXT, types.BYTES, types.DATE, types.TIME, types.TIMESTAMP,
    types.TIMESTAMPTZ, types.UUID, types.JSON, Type(Kind.JSON, name="jsonb"), Type(Kind.YEAR),
    Type(Kind.INTERVAL), Type(Kind.DECIMAL), Type(Kind.DECIMAL, precision=12, scale=2),
    Type(Kind.TEXT, length=40), Type(Kind.TEXT, length=4, fixed=True), Type(Kind.BYTES, length=9),
    Type(Kind.BYTES, length=16, fixed=True), Type(Kind.TIME, precision=0), Type(Kind.TIMESTAMP, precision=3),
    Type(Kind.TIMESTAMP, precision=0, zoned=True), Type(Kind.BIT, length=10, fixed=True),
    Type(Kind.BIT, length=10), Type(Kind.BIT),
    Type(Kind.ENUM, values=("a", "it's", "x,y", "", "no", ")", "back\\slash", "ü\n")),
    Type(Kind.SET, values=("a", "b c")), Type(Kind.NATIVE, name="time(3) with time zone"),
    Type(Kind.NATIVE, name="'quoted'"),
]  # fmt: skip


def column(name: str, type_: Type = types.INTEGER, **more: Any) -> Column:
    return Column(name, type_, **more)


FULL_NUMBERING = Numbering(next=-7, start=1000, step=-3, lowest=-(2**63), highest=2000, cycle=True)


def full_schema() -> Schema:
    customer = Table(
        "customer",
        (column("id", types.BIGINT, nullable=False, identity=Identity.AUTO), column("name", types.TEXT)),
        primary_key=("id",),
        comment="who: buys # things",
    )
    order = Table(
        "order",
        (
            column("id", nullable=False, identity=Identity.ALWAYS, native=Native(FULL_NUMBERING)),
            column("line", nullable=False, identity=Identity.BY_DEFAULT, native=Native(Numbering())),
            column("customer_id", types.BIGINT, default=Default(DefaultKind.NULL)),
            column("status", types.TEXT, default=Default(DefaultKind.VALUE, "no"), comment="é\n"),
            column("rate", types.FLOAT, default=Default(DefaultKind.VALUE, 1e22)),
            column("open", types.BOOLEAN, default=Default(DefaultKind.VALUE, True)),
            column("made", types.TIMESTAMP, default=Default(DefaultKind.DATETIME, "now"), auto_now_add=True),
            column("seen", types.TIMESTAMPTZ, auto_now=True),
            column("token", types.UUID, default=Default(DefaultKind.UUID)),
            column("title", types.TEXT, default=Default(DefaultKind.REFERENCE, "note")),
            column("odd", types.TEXT, default=Default(DefaultKind.SQL, "lower('X'::text)")),
            column("total", generated="(a + b)"),
            column("code", types.TEXT, native=Native(collation="utf8mb4_0900_ai_ci", sorts_only=True)),
            column("changed", types.TIMESTAMPTZ, native=Native(on_update_now=True, utc_default=True)),
        ),
        schema="other",
        primary_key=("id", "line"),
        unique=(UniqueKey("u", ("status", "rate")), UniqueKey(None, ("title",))),
        foreign_keys=(
            ForeignKey(
                "fk", ("customer_id",), TableKey(None, "customer"), ("id",), "set null", "cascade", "deferred"
            ),
            ForeignKey(
                None, ("id", "line"), TableKey("other", "order"), ("id", "line"), deferrable="immediate"
            ),
            ForeignKey("away", ("id",), TableKey("elsewhere", "gone"), ("key",)),
        ),
        indexes=(Index("i", ("made", "seen")), Index("j", ("token",), unique=True)),
        checks=(Check("positive", "(rate > 0)"), Check(None, "x <> '\n'")),
    )
    return Schema((customer, order, Table("nothing", ())))


def test_every_part_survives() -> None:
    assert schema_yaml.loads(schema_yaml.dumps(full_schema())) == full_schema()


def test_writing_is_stable_and_leaves_out_what_is_default() -> None:
    text = schema_yaml.dumps(full_schema())
    assert schema_yaml.dumps(schema_yaml.loads(text)) == text
    assert text.splitlines()[1:8] == [
        "tables:",
        "- name: customer",
        "  columns:",
        "  - {name: id, type: bigint, nullable: false, identity: auto}",
        "  - {name: name, type: text}",
        "  primary_key: [id]",
        '  comment: "who: buys # things"',
    ]


def test_the_example_of_the_docs_is_what_would_be_written() -> None:
    page = (Path(__file__).parent.parent / "docs" / "schema.md").read_text(encoding="utf-8")
    example = page.split("```yaml\n")[1].split("```")[0]
    assert schema_yaml.dumps(schema_yaml.loads(example)).partition("\n")[2] == example


def test_an_empty_schema_survives() -> None:
    assert schema_yaml.loads(schema_yaml.dumps(Schema())) == Schema()


@pytest.mark.parametrize("type_", EVERY_TYPE, ids=str)
def test_every_type_survives(type_: Type) -> None:
    schema = Schema((Table("t", (column("c", type_),)),))
    assert schema_yaml.loads(schema_yaml.dumps(schema)) == schema


def named(name: str) -> Schema:
    """Return a schema that has `name` in each place that holds one."""
    key = ForeignKey(name, (name,), TableKey(name, name), (name,))
    table = Table(
        name, (column(name, default=Default(DefaultKind.VALUE, name), comment=name),), schema=name,
        primary_key=(name,), unique=(UniqueKey(name, (name,)),), foreign_keys=(key,),
        indexes=(Index(name, (name,)),), checks=(Check(name, name),), comment=name,
    )  # fmt: skip
    return Schema((table,))


@pytest.mark.parametrize("name", NASTY_NAMES, ids=ascii)
def test_nasty_names_survive(name: str) -> None:
    assert schema_yaml.loads(schema_yaml.dumps(named(name))) == named(name)


@settings(max_examples=150, deadline=None)
@given(st.text(st.characters(exclude_categories=("Cs",))), st.floats(allow_nan=False) | st.integers())
def test_any_name_and_number_survive_and_are_what_yaml_says(name: str, number: float) -> None:
    table = named(name).tables[0]
    value = replace(table.columns[0], default=Default(DefaultKind.VALUE, number))
    schema = Schema((table.with_columns((value,)),))
    text = schema_yaml.dumps(schema)
    back = schema_yaml.loads(text)
    assert back == schema
    kept = back.tables[0].columns[0].default
    assert kept is not None
    assert (type(kept.value), kept.value) == (type(number), number)
    # Another reader of YAML must see the same strings.
    assert yaml.safe_load(text)["tables"][0]["name"] == name


def test_the_slow_parser_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    text = schema_yaml.dumps(Schema(tuple(named(name).tables[0] for name in NASTY_NAMES)))
    fast = schema_yaml.loads(text)
    monkeypatch.delattr(yaml, "CSafeLoader", raising=False)
    assert schema_yaml.loads(text) == fast


def test_notes_become_harmless_comments() -> None:
    table = Table("t", (column("c"),), notes=("skipped 'x'\n- name: evil\x1b",))
    text = schema_yaml.dumps(Schema((table,)))
    assert "# skipped 'x'\\n- name: evil\\x1b\n" in text
    assert schema_yaml.loads(text) == Schema((table,))


def test_a_thousand_tables_are_read_in_seconds() -> None:
    columns = tuple(column(f"column_{n}", Type(Kind.DECIMAL, precision=12, scale=2)) for n in range(12))
    schema = Schema(tuple(Table(f"table_{n}", columns, primary_key=("column_0",)) for n in range(1000)))
    assert schema_yaml.loads(schema_yaml.dumps(schema)) == schema


COLUMN = "tables:\n- name: t\n  columns:\n  - {name: c, type: integer}\n"

REFUSED = [
    ("", "f.yaml: the file is empty; a schema file starts with 'tables:'"),
    ("a: [", "not YAML: "),
    ("[]", "f.yaml:1: a list where a mapping with tables is expected"),
    ("tables: {}", "f.yaml:1: tables: a mapping where a list is expected"),
    ("tables: []\ntabels: []", "f.yaml:2: tabels: unknown key 'tabels'; use tables"),
    ("tables: []\ntables: []", "f.yaml:2: the key 'tables' is there twice; keep one"),
    ("tables: []\n---\ntables: []", "a second document; keep all tables in one"),
    ("tables:\n- name: t", "f.yaml:2: tables[0]: the key columns is missing; add it"),
    ("tables:\n- {name: no, columns: []}", "tables[0].name: 'no' is not text to YAML; put it in quotes"),
    ("tables:\n- {name: 2024-01-01, columns: []}", "'2024-01-01' is not text to YAML; put it in quotes"),
    ("tables:\n- {name: ~, columns: []}", "'~' is not text to YAML"),
    ("tables:\n- {name: 1_0, columns: []}", "'1_0' is not text to YAML"),
    ("tables:\n- {name: , columns: []}", "'' is not text to YAML"),
    ("tables:\n- {name: [a], columns: []}", "tables[0].name: a list where text is expected"),
    ("tables:\n- {1: t, columns: []}", "tables[0]: '1' is not text to YAML"),
    ("tables:\n- &x {name: t, columns: []}", "f.yaml:2: tables[0]: anchors and aliases are not"),
    ("tables: *x", "anchors and aliases are not allowed"),
    ("tables:\n- !!python/object:os.system {}", "the tag 'tag:yaml.org,2002:python/object:os.system' is not"),
    ("tables: !x []", "the tag '!x' is not allowed; leave it out"),
    ("tables: " + "[" * 100_000, "nested deeper than 32; a schema file never is"),
    ("- " * 40 + "a", "nested deeper than 32"),
    (COLUMN + "  - {name: d, type: i}", "f.yaml:5: tables[0].columns[1].type: unknown type 'i'; use one"),
    (COLUMN + "  - {name: d, type: [int]}", "tables[0].columns[1].type: a list where text is expected"),
    (COLUMN + "  - {name: c, type: text}", "f.yaml:5: tables[0].columns[1]: the column 'c' is there twice"),
    (COLUMN + "  - {name: d, type: text, nulable: true}", "unknown key 'nulable'; use nullable"),
    (COLUMN + "  - {name: d, type: text, nullable: 1}", "[1].nullable: '1' where true or false is expected"),
    (COLUMN + "  - {name: d, type: text, identity: x}", "unknown word 'x'; use auto, by default or always"),
    (COLUMN + "  - {name: d, type: text, default: x}", "default: 'x' where a mapping with kind is expected"),
    (COLUMN + "  - {name: d, type: text, default: {kind: v}}", "unknown word 'v'; use value, reference"),
    (COLUMN + "  - {name: d, type: text, default: {kind: sql}}", "a default of kind sql needs a value"),
    (COLUMN + "  - {name: d, type: text, default: {kind: value, value: 2024-01-01}}", "put text in quotes"),
    (COLUMN + "  - {name: d, type: text, default: {kind: value, value: " + "9" * 5000 + "}}", "in quotes"),
    (COLUMN + "  - {name: d, type: text, default: {kind: datetime, value: 5}}", "'5' is not text to YAML"),
    (COLUMN + "  - {name: d, type: text, native: x}", "native: 'x' where a mapping with numbering, collation"),
    (COLUMN + "  - {name: d, type: text, native: {colation: x}}", "unknown key 'colation'; use collation"),
    (COLUMN + "  - {name: d, type: text, native: {on_update_now: 1}}", "native.on_update_now: '1' where true"),
    (COLUMN + "  - {name: d, type: bigint, native: {numbering: {nxt: 1}}}", "unknown key 'nxt'; use next"),
    (COLUMN + "  - {name: d, type: bigint, native: {numbering: {next: 1.5}}}", "next: '1.5' where an integer"),
    (COLUMN + "  - {name: d, type: bigint, native: {numbering: {step: 0}}}", "step: a step of 0 numbers no"),
    (COLUMN + "  - {name: d, type: bigint, native: {numbering: {start: true}}}", "'true' where an integer is"),
    (COLUMN + "  primary_key: [d]", "f.yaml:5: tables[0].primary_key[0]: no column 'd' in the table"),
    (COLUMN + "  primary_key: [c, c]", "primary_key[1]: the column 'c' is there twice"),
    (COLUMN + "  primary_key: []", "an empty list of columns"),
    (COLUMN + "  unique: [{columns: [cc]}]", "unique[0].columns[0]: no column 'cc' in the table; close: 'c'"),
    (COLUMN + "  indexes: [{name: i, columns: [x]}]", "indexes[0].columns[0]: no column 'x'"),
    (COLUMN + "  foreign_keys: [{columns: [c], table: t, referred: [c, c]}]", "1 columns refer to 2"),
    (COLUMN + "  foreign_keys: [{columns: [c], table: t, referred: [x]}]", "no column 'x' in"),
    (COLUMN + "  foreign_keys: [{columns: [c], table: t, referred: [c], on_delete: x}]", "use cascade"),
    (COLUMN + "- name: t\n  columns: []", "f.yaml:5: tables[1]: the table 't' is there twice; keep one"),
    ("tables: []\n# " + "x" * yaml_nodes.MAX_BYTES, "larger than 16777216 bytes"),
    ("tables: []\x00", "f.yaml: not YAML"),
    ("tables: [\ud800]", "f.yaml: not YAML"),
]  # fmt: skip


@pytest.mark.parametrize("fast", [True, False], ids=["libyaml", "python"])
@pytest.mark.parametrize(("text", "message"), REFUSED, ids=[ascii(text[-40:]) for text, _ in REFUSED])
def test_what_is_wrong_is_refused(
    text: str, message: str, fast: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not fast:
        monkeypatch.delattr(yaml, "CSafeLoader", raising=False)
    with pytest.raises(SchemaError) as caught:
        schema_yaml.loads(text, file="f.yaml")
    said = str(caught.value)
    assert message in said if not message.startswith("f.yaml: not") else said.startswith("f.yaml")
    assert said.isprintable()
    assert caught.value.exit_code == 2


def test_null_is_the_word_with_and_without_quotes() -> None:
    text = "tables:\n- name: t\n  columns:\n  - {{name: a, type: text, default: {{kind: {}}}}}\n"
    bare, quoted = (schema_yaml.loads(text.format(word), file="schema.yaml") for word in ("null", "'null'"))
    assert bare == quoted
    assert bare.tables[0].columns[0].default == Default(DefaultKind.NULL)
