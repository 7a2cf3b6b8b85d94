"""Dumps of format version 1, byte for byte as the program of that version wrote them."""

from __future__ import annotations

TSV = {
    "data/0001-shop_order.tsv": (
        "id\tnote\tday\n"
        "1\tfirst\t2024-02-29\n"
        "2\t\\N\t\\N\n"
        "3\ttab \\t and \\\\ and \\n\t1999-12-31\n"
    ),
    "data/0002-order_line.tsv": (
        "order_id\ttext\n"
        "1\tünï ☃\n"
    ),
    "manifest.json": (
        "{\n"
        ' "compression": null,\n'
        ' "data_format": "tsv",\n'
        ' "engine": "sqlite",\n'
        ' "extra": {},\n'
        ' "files": [\n'
        "  {\n"
        '   "bytes": 73,\n'
        '   "path": "data/0001-shop_order.tsv",\n'
        '   "rows": 3,\n'
        '   "sha256": "1ee073ca8c103732dc0ca9c43e52feb63f406704614b887d48810340caaffbae",\n'
        '   "table": 0\n'
        "  },\n"
        "  {\n"
        '   "bytes": 26,\n'
        '   "path": "data/0002-order_line.tsv",\n'
        '   "rows": 1,\n'
        '   "sha256": "b16a56a347adaa0bc2d9b51c02bcfe5b456501a72ee961abd39ff9eddd84d536",\n'
        '   "table": 1\n'
        "  }\n"
        " ],\n"
        ' "format": "dbdump",\n'
        ' "schema_sha256": "800a7f43e8172ffda7efde2a223982a90db8f7ab8b7784b93966cde37740a6f5",\n'
        ' "snapshot": "consistent",\n'
        ' "tables": [\n'
        "  {\n"
        '   "columns": [\n'
        '    "id",\n'
        '    "note",\n'
        '    "day"\n'
        "   ],\n"
        '   "name": "shop_order",\n'
        '   "rows": 3,\n'
        '   "schema": null\n'
        "  },\n"
        "  {\n"
        '   "columns": [\n'
        '    "order_id",\n'
        '    "text"\n'
        "   ],\n"
        '   "name": "order_line",\n'
        '   "rows": 1,\n'
        '   "schema": null\n'
        "  }\n"
        " ],\n"
        ' "version": 1\n'
        "}\n"
    ),
    "schema.yaml": (
        "# dbdump 1 tsv from sqlite\n"
        "# The tables of a database in neutral types; docs/schema.md tells what may stand here.\n"
        "tables:\n"
        "- name: shop_order\n"
        "  columns:\n"
        "  - {name: id, type: integer, nullable: false}\n"
        "  - {name: note, type: text}\n"
        "  - {name: day, type: date, default: {kind: date, value: now}}\n"
        "  primary_key: [id]\n"
        "  indexes:\n"
        "  - {name: by_day, columns: [day]}\n"
        "- name: order_line\n"
        "  columns:\n"
        "  - {name: order_id, type: integer, nullable: false}\n"
        "  - {name: text, type: text}\n"
        "  foreign_keys:\n"
        "  - {name: line_order, columns: [order_id], table: shop_order, referred: [id], on_delete: cascade}\n"
    ),
}

PY = {
    "data/0001-shop_order.py": (
        "# dbdump 1 -*- coding: utf-8 -*-\n"
        "table = 'shop_order'\n"
        "fields = ['id', 'note', 'day']\n"
        '#default item format: "fieldname":("type", "value")\n'
        "default = {}\n"
        "records = [\n"
        "[1, 'first', '2024-02-29'],\n"
        "[2, None, None],\n"
        "[3, 'tab \\t and \\\\ and \\n', '1999-12-31'],\n"
        "]\n"
    ),
    "data/0002-order_line.py": (
        "# dbdump 1 -*- coding: utf-8 -*-\n"
        "table = 'order_line'\n"
        "fields = ['order_id', 'text']\n"
        '#default item format: "fieldname":("type", "value")\n'
        "default = {}\n"
        "records = [\n"
        "[1, 'ünï ☃'],\n"
        "]\n"
    ),
    "manifest.json": (
        "{\n"
        ' "compression": null,\n'
        ' "data_format": "py",\n'
        ' "engine": "sqlite",\n'
        ' "extra": {},\n'
        ' "files": [\n'
        "  {\n"
        '   "bytes": 252,\n'
        '   "path": "data/0001-shop_order.py",\n'
        '   "rows": 3,\n'
        '   "sha256": "9948c32cb44e9b8c80b9fdb40813a951f3bfc543aab70d10b49562d8b8682b07",\n'
        '   "table": 0\n'
        "  },\n"
        "  {\n"
        '   "bytes": 181,\n'
        '   "path": "data/0002-order_line.py",\n'
        '   "rows": 1,\n'
        '   "sha256": "87ab1857cb547308dac1b2d2ece1f006fdb10fdbb3f3fc1470423026152b280c",\n'
        '   "table": 1\n'
        "  }\n"
        " ],\n"
        ' "format": "dbdump",\n'
        ' "schema_sha256": "ba43ea6da34854544abcd0eb62c617ab07d76212686c5084cee1af434116983d",\n'
        ' "snapshot": "consistent",\n'
        ' "tables": [\n'
        "  {\n"
        '   "columns": [\n'
        '    "id",\n'
        '    "note",\n'
        '    "day"\n'
        "   ],\n"
        '   "name": "shop_order",\n'
        '   "rows": 3,\n'
        '   "schema": null\n'
        "  },\n"
        "  {\n"
        '   "columns": [\n'
        '    "order_id",\n'
        '    "text"\n'
        "   ],\n"
        '   "name": "order_line",\n'
        '   "rows": 1,\n'
        '   "schema": null\n'
        "  }\n"
        " ],\n"
        ' "version": 1\n'
        "}\n"
    ),
    "schema.yaml": (
        "# dbdump 1 py from sqlite\n"
        "# The tables of a database in neutral types; docs/schema.md tells what may stand here.\n"
        "tables:\n"
        "- name: shop_order\n"
        "  columns:\n"
        "  - {name: id, type: integer, nullable: false}\n"
        "  - {name: note, type: text}\n"
        "  - {name: day, type: date, default: {kind: date, value: now}}\n"
        "  primary_key: [id]\n"
        "  indexes:\n"
        "  - {name: by_day, columns: [day]}\n"
        "- name: order_line\n"
        "  columns:\n"
        "  - {name: order_id, type: integer, nullable: false}\n"
        "  - {name: text, type: text}\n"
        "  foreign_keys:\n"
        "  - {name: line_order, columns: [order_id], table: shop_order, referred: [id], on_delete: cascade}\n"
    ),
}


def write_version_1(folder, members=TSV):
    """Write a dump of version 1 to a folder that is not there yet."""
    (folder / "data").mkdir(parents=True)
    folder.chmod(0o700)
    for name, text in members.items():
        (folder / name).write_bytes(text.encode())
    return folder
