"""YAML read strictly, as nodes that know where they stand in the file.

No aliases, anchors, tags or duplicate keys; text is text only when YAML says so: what YAML takes
for a number, a date or a truth value must be quoted where text is meant (facts.md H2).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import SchemaError, shown

MAX_BYTES = 16 * 1024 * 1024
MAX_DEPTH = 32
MAX_ITEMS = 200_000
"""The most items of one list: tables are the longest."""


@dataclass(frozen=True, slots=True)
class Node:
    """A piece of a file that knows where it stands.

    `value`: str, int, float, bool, None, `OTHER`, a list of nodes or a dict of nodes; `text`: a
    scalar as it is spelled. The methods return the value as what it must be, or raise SchemaError.
    """

    value: Any
    text: str
    line: int
    path: str
    file: str

    def error(self, problem: str) -> SchemaError:
        where = f"{self.path}: " if self.path else ""
        return SchemaError(f"{self.file}:{self.line}: {where}{problem}")

    def shown(self) -> str:
        return f"a {_word(self.value)}" if isinstance(self.value, list | dict) else shown(self.text)

    def string(self) -> str:
        if isinstance(self.value, str):
            return self.value
        if isinstance(self.value, list | dict):
            raise self.error(f"{self.shown()} where text is expected")
        raise self.error(f"{shown(self.text)} is not text to YAML; put it in quotes")

    def flag(self) -> bool:
        if isinstance(self.value, bool):
            return self.value
        raise self.error(f"{self.shown()} where true or false is expected")

    def integer(self) -> int:
        if isinstance(self.value, int) and not isinstance(self.value, bool):
            return self.value
        raise self.error(f"{self.shown()} where an integer is expected")

    def word(self, words: Collection[str]) -> str:
        text = self.string()
        if text not in words:
            raise self.error(f"unknown word {shown(text)}; use {_either(words)}")
        return text

    def items(self) -> Sequence[Node]:
        if isinstance(self.value, list):
            return self.value
        raise self.error(f"{self.shown()} where a list is expected")

    def keys(self, known: Collection[str], required: Collection[str]) -> dict[str, Node]:
        if not isinstance(self.value, dict):
            needed = _either(required or known, "and")
            raise self.error(f"{self.shown()} where a mapping with {needed} is expected")
        for key, node in self.value.items():
            if key not in known:
                close = difflib.get_close_matches(key, known, 3) or sorted(known)
                raise node.error(f"unknown key {shown(key)}; use {_either(close)}")
        for key in required:
            if key not in self.value:
                raise self.error(f"the key {key} is missing; add it")
        return self.value


def _word(value: object) -> str:
    return "list" if isinstance(value, list) else "mapping"


def _either(words: Collection[str], join: str = "or") -> str:
    *rest, last = words
    return f"{', '.join(rest)} {join} {last}" if rest else last


Look = Callable[[Node, int], None]
"""Is shown each item of a list as soon as it is read, with the number of lists and mappings around it."""


def parse_yaml(text: str, file: str, look: Look | None = None) -> Node:
    """Return the one document in `text` as nodes.

    `look` may raise for an item that cannot be meant, before millions like it take memory. Raises
    SchemaError for what is not YAML, and for all that YAML allows and this package does not.
    """
    import yaml

    if len(text) > MAX_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise SchemaError(f"{file}: larger than {MAX_BYTES} bytes; a schema file is never that large")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return _Composer(yaml.parse(text, Loader=loader), file, look).document()
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise SchemaError(f"{file}:{line}: not YAML: {error.problem or error.context}") from error
    except (yaml.YAMLError, UnicodeError) as error:
        raise SchemaError(f"{file}: not YAML: {str(error).splitlines()[0]}") from error


class _Composer:
    """Nodes from parser events. Aliases, anchors and tags never get as far as being built (H2)."""

    def __init__(self, events: Iterator[Any], file: str, look: Look | None) -> None:
        import yaml

        self._events = events
        self._file = file
        self._look = look
        self._yaml = yaml
        self._resolver: Any = yaml.resolver.Resolver()

    def document(self) -> Node:
        events, yaml = self._events, self._yaml
        next(events)
        if isinstance(next(events), yaml.StreamEndEvent):
            raise SchemaError(f"{self._file}: the file is empty; a schema file starts with 'tables:'")
        node = self._node(next(events), "", 0)
        next(events)
        if not isinstance(event := next(events), yaml.StreamEndEvent):
            raise self._at(event, "").error("a second document; keep all tables in one")
        return node

    def _at(self, event: Any, path: str, value: object = None, text: str = "") -> Node:
        return Node(value, text, event.start_mark.line + 1, path, self._file)

    def _node(self, event: Any, path: str, depth: int) -> Node:
        yaml = self._yaml
        here = self._at(event, path)
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            raise here.error("anchors and aliases are not allowed; write the text out")
        if event.tag is not None:
            raise here.error(f"the tag {shown(event.tag)} is not allowed; leave it out")
        if depth > MAX_DEPTH:
            raise here.error(f"nested deeper than {MAX_DEPTH}; a schema file never is")
        if isinstance(event, yaml.SequenceStartEvent):
            return self._at(event, path, self._list(path, depth))
        if isinstance(event, yaml.MappingStartEvent):
            return self._at(event, path, self._dict(path, depth))
        return self._at(event, path, self._value(event), event.value)

    def _list(self, path: str, depth: int) -> list[Node]:
        nodes: list[Node] = []
        while not isinstance(event := next(self._events), self._yaml.SequenceEndEvent):
            nodes.append(self._node(event, f"{path}[{len(nodes)}]", depth + 1))
            if self._look is not None:
                self._look(nodes[-1], depth + 1)
            if len(nodes) > MAX_ITEMS:
                raise nodes[-1].error(f"a list of more than {MAX_ITEMS} items; a schema file never has one")
        return nodes

    def _dict(self, path: str, depth: int) -> dict[str, Node]:
        nodes: dict[str, Node] = {}
        while not isinstance(event := next(self._events), self._yaml.MappingEndEvent):
            key = self._node(event, path, depth + 1)
            name = key.string()
            if name in nodes:
                raise key.error(f"the key {shown(name)} is there twice; keep one")
            place = name if name.isidentifier() else shown(name)
            nodes[name] = self._node(next(self._events), f"{path}.{place}" if path else place, depth + 1)
        return nodes

    def _value(self, event: Any) -> object:
        tag = self._resolver.resolve(self._yaml.ScalarNode, event.value, event.implicit)
        word = tag.rpartition(":")[2]
        if word in ("str", "bool", "null"):
            truth = event.value.lower() in ("true", "yes", "on")
            return {"str": event.value, "bool": truth, "null": None}[word]
        try:
            return _number(event.value)
        except ValueError:
            return OTHER


OTHER = object()
"""The value of a scalar that YAML takes for something else, such as a date."""
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_SPECIAL = {".inf": "inf", "+.inf": "inf", "-.inf": "-inf", ".nan": "nan"}


def _number(text: str) -> int | float:
    if _INTEGER.fullmatch(text):
        return int(text)
    if "_" in text or ":" in text or not any(mark in text for mark in ".eE"):
        raise ValueError(text)
    return float(_SPECIAL.get(text.lower(), text))
