"""How ids of one database become ids of another: the rows themselves, and every sort of reference."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dbdump_core.errors import MismatchError, ValueRefusedError
from dbdump_core.model.abc import Block
from dbdump_core.model.schema import Column
from dbdump_core.model.types import BIGINT, TEXT
from dbdump_core.rows.lines import split_rows
from dbdump_django.identity_rows import (
    GenericColumn,
    Key,
    Kinds,
    LeftOut,
    Matched,
    Natural,
    Replaced,
    Row,
    generic_reference,
    loose_reference,
    reference,
)

TYPES = Key("django_content_type", "id", ("app_label", "model"))
SITES = Key("django_site", "id", ("domain",))
TYPE_COLUMNS = (Column("id", BIGINT), Column("app_label", TEXT), Column("model", TEXT))
SITE_COLUMNS = (Column("name", TEXT), Column("id", BIGINT), Column("domain", TEXT))


def types(*rows: tuple[int, str, str]) -> list[Row]:
    return [{"id": b"%d" % number, "app_label": app.encode(), "model": model.encode()} for number, app, model in rows]


def sites(*rows: tuple[int, str]) -> list[Row]:
    return [{"id": b"%d" % number, "domain": domain.encode(), "name": b"x"} for number, domain in rows]


def block(*lines: str) -> Block:
    return Block("".join(f"{line}\n" for line in lines).encode(), len(lines))


def passed(rows: Matched | Replaced | LeftOut, *blocks: Block) -> list[list[bytes]]:
    """All lines that come of some blocks; every block must hold the rows that it says."""
    made = [*(rows.block(one) for one in blocks), rows.rest() or Block(b"", 0)]
    assert all(len(split_rows(one)) == one.rows for one in made)
    return [cells for one in made for cells in split_rows(one)]


def matched(there: list[Row], *lines: str) -> tuple[Matched, list[list[bytes]]]:
    rows = Matched(TYPES, there).begin(TYPE_COLUMNS)
    return rows, passed(rows, block(*lines))


# --- matched ------------------------------------------------------------------------------------


def test_rows_that_are_there_are_left_out_and_their_ids_known() -> None:
    rows, written = matched(types((7, "blog", "post"), (9, "blog", "tag")), "1\tblog\ttag", "2\tblog\tpost")
    assert written == []
    assert (rows.row(b"1"), rows.row(b"2")) == (b"9", b"7")


def test_rows_that_are_missing_keep_a_free_id() -> None:
    rows, written = matched(types((7, "blog", "post")), "3\tshop\torder")
    assert written == [[b"3", b"shop", b"order"]]
    assert rows.row(b"3") == b"3"


def test_rows_whose_id_is_taken_get_one_past_the_highest_of_both_sides() -> None:
    there = types((7, "blog", "post"), (9, "blog", "tag"))
    rows, written = matched(there, "7\tshop\torder", "9\tshop\titem", "40\tshop\tbill")
    assert written == [[b"40", b"shop", b"bill"], [b"41", b"shop", b"order"], [b"42", b"shop", b"item"]]
    assert [rows.row(cell) for cell in (b"7", b"9", b"40")] == [b"41", b"42", b"40"]


def test_the_highest_id_is_known_over_all_blocks() -> None:
    rows = Matched(TYPES, types((7, "blog", "post"))).begin(TYPE_COLUMNS)
    written = passed(rows, block("7\tshop\torder"), block("50\tshop\tbill"))
    assert written == [[b"50", b"shop", b"bill"], [b"51", b"shop", b"order"]]


def test_loading_again_adds_nothing() -> None:
    lines = ["7\tshop\torder", "9\tshop\titem", "3\tblog\tpost"]
    there = types((7, "blog", "post"))
    _, written = matched(there, *lines)
    again = [*there, *({"id": a, "app_label": b, "model": c} for a, b, c in written)]
    rows, written_again = matched(again, *lines)
    assert written_again == []
    assert rows.outcome() == "django_content_type: rows that are there already: 3, added: 0"


def test_the_order_of_columns_does_not_matter_and_other_cells_stay() -> None:
    rows = Matched(SITES, sites((1, "example.com"))).begin(SITE_COLUMNS)
    assert passed(rows, block("My \\\\ site\t1\texample.org")) == [[b"My \\\\ site", b"2", b"example.org"]]


def test_outcome_counts() -> None:
    rows, _ = matched(types((7, "blog", "post")), "7\tshop\torder", "8\tshop\titem", "9\tblog\tpost")
    assert rows.outcome() == "django_content_type: rows that are there already: 1, added: 2 (1 with a new id)"


def test_an_id_that_is_no_number_is_refused() -> None:
    rows = Matched(TYPES, []).begin(TYPE_COLUMNS)
    with pytest.raises(ValueRefusedError, match="django_content_type, column id: 'x' is not an integer"):
        rows.block(block("x\tblog\tpost"))


def test_a_key_without_its_columns_is_refused() -> None:
    with pytest.raises(MismatchError, match="no column 'model'"):
        Matched(TYPES, []).begin(TYPE_COLUMNS[:2])


NUMBERED = st.dictionaries(st.sampled_from("abcdefghij"), st.integers(1, 14), max_size=10).filter(
    lambda ids: len(set(ids.values())) == len(ids)
)


@settings(max_examples=300, deadline=None)
@given(source=NUMBERED, there=NUMBERED, cut=st.integers(0, 10))
def test_whatever_the_ids_were_every_row_is_there_once_and_every_reference_means_the_same(
    source: dict[str, int], there: dict[str, int], cut: int
) -> None:
    lines = [f"{number}\tapp\t{name}" for name, number in source.items()]
    old = types(*((number, "app", name) for name, number in there.items()))
    rows = Matched(TYPES, old).begin(TYPE_COLUMNS)
    written = passed(rows, block(*lines[:cut]), block(*lines[cut:]))
    ends = there | {cells[2].decode(): int(cells[0]) for cells in written}
    assert len(ends) == len(there) + len(written)
    assert len(set(ends.values())) == len(ends)
    assert set(ends) == set(source) | set(there)
    assert all(int(rows.row(b"%d" % number)) == ends[name] for name, number in source.items())
    for stray in set(range(1, 30)) - set(source.values()):
        assert int(rows.row_or_none(b"%d" % stray)) not in ends.values()
    again = Matched(TYPES, types(*((number, "app", name) for name, number in ends.items()))).begin(TYPE_COLUMNS)
    assert passed(again, block(*lines)) == []
    assert all(again.row(cell) == rows.row(cell) for cell in (b"%d" % number for number in source.values()))


# --- references ---------------------------------------------------------------------------------


def test_foreign_keys_follow_and_null_stays() -> None:
    rows, _ = matched(types((7, "blog", "post")), "1\tblog\tpost")
    make = reference("content_type_id", rows)(["id", "content_type_id"])
    assert [make([b"5", cell]) for cell in (b"1", b"\\N")] == [b"7", b"\\N"]
    with pytest.raises(ValueError, match=r"^the id of a row of django_content_type$"):
        make([b"5", b"2"])


def test_columns_are_found_in_another_case_but_never_guessed() -> None:
    rows, _ = matched(types((7, "blog", "post")), "1\tblog\tpost")
    assert reference("Kind", rows)(["id", "kind"])([b"5", b"1"]) == b"7"
    with pytest.raises(MismatchError, match="column 'Kind' could be 'KIND' or 'kind'"):
        reference("Kind", rows)(["id", "KIND", "kind"])


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (b"1", b"7"),
        (b"7", b"21"),
        (b"5", b"5"),  # no row of either side has it
        (b"20", b"2147483627"),  # a deleted row of the source, and another row of the target
        (b"21", b"2147483626"),  # the same, where the other row has just been added
        (b"01", b"7"),
        (b"\\N", b"\\N"),
        (b"slug-of-something", b"slug-of-something"),
        (b"-", b"-"),
        ("²".encode(), "²".encode()),
        (b"", b""),
    ],
)
def test_loose_references_never_come_to_mean_another_row(cell: bytes, expected: bytes) -> None:
    there = types((7, "blog", "post"), (20, "old", "thing"))
    rows, _ = matched(there, "1\tblog\tpost", "7\tshop\torder")
    assert loose_reference("kind", rows, 2**31 - 1)(["kind"])([cell]) == expected


def test_small_columns_count_down_from_their_own_end() -> None:
    rows, _ = matched(types((7, "blog", "post")))
    assert loose_reference("kind", rows, 32767)(["kind"])([b"7"]) == b"32760"


def generic(site_rows: Matched) -> tuple[Kinds, Sequence[str], GenericColumn]:
    kinds = Kinds()
    kinds.add((b"sites", b"site"), site_rows)
    column = GenericColumn("object_id", "content_type_id")
    return kinds, ["id", "object_id", "content_type_id"], column


def test_generic_references_follow_the_tables_that_their_content_type_names() -> None:
    site_rows = Matched(SITES, sites((1, "example.com"))).begin(SITE_COLUMNS)
    kinds, names, column = generic(site_rows)
    type_rows = Matched(TYPES, types((70, "sites", "site"), (71, "blog", "post")), kinds.learn).begin(TYPE_COLUMNS)
    passed(type_rows, block("3\tsites\tsite", "4\tblog\tpost"))
    passed(site_rows, block("name\t1\texample.org", "name\t5\texample.com"))
    make = generic_reference(column, kinds)(names)
    # The content type's id is the source's, as makers are given the cells as they were read.
    read = [(b"1", b"3"), (b"5", b"3"), (b"1", b"4"), (b"1", b"\\N"), (b"\\N", b"3")]
    assert [make([b"9", *cells]) for cells in read] == [b"6", b"1", b"1", b"1", b"\\N"]


def test_generic_references_to_any_other_table_stay() -> None:
    kinds, names, column = generic(Matched(SITES, []).begin(SITE_COLUMNS))
    assert generic_reference(column, kinds)(names)([b"9", b"ab-cd", b"4"]) == b"ab-cd"


# --- replaced -----------------------------------------------------------------------------------


def replaced(there: list[Row], known: set[Natural], *lines: str) -> tuple[Replaced, list[list[bytes]]]:
    def extra(seen: set[Natural]) -> list[Row]:
        return [row for row in there if TYPES.of(row) in known - seen]

    rows = Replaced(TYPES, extra).begin(TYPE_COLUMNS)
    return rows, passed(rows, block(*lines))


def test_replaced_rows_stay_as_they_are_and_the_target_s_own_come_after() -> None:
    there = types((1, "blog", "post"), (2, "new", "thing"), (90, "new", "other"), (4, "gone", "model"))
    known = {(b"blog", b"post"), (b"new", b"thing"), (b"new", b"other")}
    rows, written = replaced(there, known, "2\tblog\tpost", "30\tshop\torder")
    assert written == [
        [b"2", b"blog", b"post"], [b"30", b"shop", b"order"],
        # An id below the source's highest may be one that it has given up, so only a higher one is kept.
        [b"91", b"new", b"thing"], [b"90", b"new", b"other"],
    ]  # fmt: skip
    assert rows.ids == {b"2": b"91", b"90": b"90"}
    assert rows.outcome().endswith("replaced by the source's rows: 2, with those that only the target has: 2")


def test_replacing_again_changes_nothing() -> None:
    known = {(b"new", b"thing"), (b"new", b"other")}
    lines = ["2\tblog\tpost", "30\tshop\torder"]
    there = types((1, "blog", "post"), (2, "new", "thing"), (3, "new", "other"))
    _, written = replaced(there, known, *lines)
    again: list[Row] = [{"id": a, "app_label": b, "model": c} for a, b, c in written]
    assert sorted(replaced(again, known, *lines)[1]) == sorted(written)


def test_rows_that_cannot_be_told_apart_are_left_out() -> None:
    assert passed(LeftOut(), block("1\t2\tadd_post")) == []
