"""The `native:` block of a column in the schema's YAML: what its own engine knows of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace

from .schema import AFFINITIES, Native, Numbering
from .yaml_nodes import Node

_NATIVE_KEYS = tuple(field.name for field in fields(Native))
_NUMBERING_KEYS = tuple(field.name for field in fields(Numbering))


def native_items(native: Native) -> dict[str, object]:
    """Return what is to be written of `native`: only what it says."""
    items = _said(native, Native())
    if native.numbering is not None:
        items["numbering"] = _said(native.numbering, Numbering())
    return items


def _said(facts: Native | Numbering, silent: Native | Numbering) -> dict[str, object]:
    pairs = {field.name: (getattr(facts, field.name), getattr(silent, field.name)) for field in fields(facts)}
    return {name: value for name, (value, default) in pairs.items() if value != default}


def native(node: Node) -> Native:
    """Return what the block says, the reverse of `native_items`. Raises SchemaError with the place."""
    keys = node.keys(_NATIVE_KEYS, ())
    return Native(
        numbering=_numbering(keys["numbering"]) if "numbering" in keys else None,
        collation=keys["collation"].string() if "collation" in keys else None,
        sorts_only=_flag(keys, "sorts_only"),
        on_update_now=_flag(keys, "on_update_now"),
        utc_default=_flag(keys, "utc_default"),
        affinity=keys["affinity"].word(AFFINITIES) if "affinity" in keys else None,
        untyped=_flag(keys, "untyped"),
    )


def _numbering(node: Node) -> Numbering:
    keys = node.keys(_NUMBERING_KEYS, ())
    known = {name: part.integer() for name, part in keys.items() if name != "cycle"}
    if known.get("step") == 0:
        raise keys["step"].error("a step of 0 numbers no rows; give another")
    return replace(Numbering(), **known, cycle=_flag(keys, "cycle"))


def _flag(keys: Mapping[str, Node], key: str) -> bool:
    return key in keys and keys[key].flag()
