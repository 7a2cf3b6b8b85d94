"""Parents before children, whatever the graph: judged by reachability worked out the slow way."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbdump_core.model.order import parents_first, unordered_keys
from dbdump_core.model.schema import Column, ForeignKey, Table, TableKey
from dbdump_core.model.types import BIGINT

Graph = Mapping[str, Sequence[str]]


def key(name: str) -> TableKey:
    return TableKey(None, name)


def tables(graph: Graph) -> list[Table]:
    """A table for each node, with a foreign key for each edge: child -> its parents."""
    columns = (Column("id", BIGINT, nullable=False),)
    return [
        Table(
            name,
            columns,
            primary_key=("id",),
            foreign_keys=tuple(ForeignKey(None, ("id",), key(parent), ("id",)) for parent in parents),
        )
        for name, parents in graph.items()
    ]


def ordered(graph: Graph) -> list[str]:
    return [table.name for table in parents_first(tables(graph))]


def reachable(graph: Graph) -> dict[str, set[str]]:
    """Which nodes each node leads to: edges followed until nothing is new."""
    found = {name: set(parents) & set(graph) for name, parents in graph.items()}
    while True:
        more = {name: there.union(*(found[one] for one in there)) for name, there in found.items()}
        if more == found:
            return found
        found = more


def judge(graph: Graph) -> None:
    order = ordered(graph)
    assert sorted(order) == sorted(graph)
    leads = reachable(graph)
    for early, late in combinations(order, 2):
        in_one_cycle = late in leads[early] and early in leads[late]
        assert late not in leads[early] or in_one_cycle, (early, late)
        if in_one_cycle:
            assert early < late


def cycles_stand_together(graph: Graph) -> bool:
    order, leads = ordered(graph), reachable(graph)
    names = [frozenset({name, *(other for other in leads[name] if name in leads[other])}) for name in order]
    changes = sum(left != right for left, right in pairwise(names))
    return changes == len(set(names)) - 1


@pytest.mark.parametrize("backwards", [False, True])
def test_a_chain_of_three_thousand_tables(backwards: bool) -> None:
    names = [f"t{number:04}" for number in range(3000)]
    chain = names[::-1] if backwards else names
    graph = {child: [parent] for parent, child in pairwise(chain)} | {chain[0]: []}
    assert ordered(graph) == chain


def test_a_cycle_of_three_thousand_tables_goes_by_name() -> None:
    names = [f"t{number:04}" for number in range(3000)]
    graph = {name: [names[(at * 7 + 1) % 3000]] for at, name in enumerate(names)}
    ring = {name: [names[at - 1]] for at, name in enumerate(names)}
    assert ordered(ring) == names
    assert sorted(ordered(graph)) == names


def test_tables_without_keys_go_by_name() -> None:
    assert ordered({"b": [], "c": [], "a": []}) == ["a", "b", "c"]


def test_the_order_of_the_input_does_not_matter() -> None:
    graph = {"line": ["order", "product"], "order": ["customer"], "product": [], "customer": []}
    backwards = dict(reversed(graph.items()))
    assert ordered(graph) == ordered(backwards) == ["customer", "order", "product", "line"]


def test_a_self_reference_holds_nothing_up() -> None:
    assert ordered({"tree": ["tree", "wood"], "wood": []}) == ["wood", "tree"]


def test_a_cycle_stands_between_its_parents_and_its_children() -> None:
    graph = {"a": ["m"], "m": ["n", "z"], "n": ["m"], "z": []}
    assert ordered(graph) == ["z", "m", "n", "a"]


def test_a_parent_that_is_not_there_is_no_parent() -> None:
    assert ordered({"child": ["elsewhere"], "other": []}) == ["child", "other"]


def test_names_differ_by_schema() -> None:
    columns = (Column("id", BIGINT, nullable=False),)
    refers = ForeignKey(None, ("id",), TableKey("b", "t"), ("id",))
    child, parent = Table("t", columns, schema="a", foreign_keys=(refers,)), Table("t", columns, schema="b")
    assert parents_first([child, parent]) == [parent, child]


@pytest.mark.parametrize("seed", range(200))
def test_random_graphs(seed: int) -> None:
    draw = random.Random(seed)
    names = [f"t{number}" for number in range(draw.randint(1, 14))]
    edges = draw.randint(0, 2 * len(names))
    graph: dict[str, list[str]] = {name: [] for name in draw.sample(names, len(names))}
    for _ in range(edges):
        graph[draw.choice(names)].append(draw.choice(names))
    judge(graph)
    assert cycles_stand_together(graph)


@given(st.dictionaries(st.sampled_from("abcdefgh"), st.lists(st.sampled_from("abcdefgh"), max_size=4), min_size=1))
def test_any_graph(graph: dict[str, list[str]]) -> None:
    judge(graph)
    assert cycles_stand_together(graph)


_NAMES = st.sampled_from("abcdefgh")


@given(st.dictionaries(_NAMES, st.lists(_NAMES, max_size=4), min_size=1), st.lists(_NAMES, unique=True))
def test_tables_that_come_first(graph: dict[str, list[str]], first: list[str]) -> None:
    order = [table.name for table in parents_first(tables(graph), [key(name) for name in first])]
    assert sorted(order) == sorted(graph)
    leads = reachable(graph)
    for early, late in combinations(order, 2):
        assert late not in leads[early] or early in leads[late], (early, late)
    # Nothing stands before the last of them but what it needs, and what shares a cycle with that.
    wanted = [name for name in first if name in graph]
    needed = set(wanted).union(*(leads[name] for name in wanted))
    assert set(order[: len(needed)]) == needed


def test_keys_that_rows_cannot_follow_are_named() -> None:
    graph = {"tree": ["tree"], "a": ["b"], "b": ["a"], "child": ["a", "elsewhere"]}
    order = parents_first(tables(graph))
    found = [(table.name, foreign.table.name) for table, foreign in unordered_keys(order)]
    assert found == [("a", "b"), ("tree", "tree")]


def test_keys_that_rows_can_follow_are_not() -> None:
    assert unordered_keys(parents_first(tables({"child": ["parent"], "parent": []}))) == []
