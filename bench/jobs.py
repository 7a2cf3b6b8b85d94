"""The jobs: what is moved, who moves it, and how fast dbdump means to be beside whom."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from . import datasets, django_project
from .measure import Pipeline
from .places import Database, is_equal
from .workshop import ORDERS_MARIADB, ORDERS_POSTGRESQL, Builder, Goal, Job, Workshop, copies, dbdump


def pgloader(shop: Workshop, name: str, source: str, target: Database, *, casts: str = "") -> Pipeline:
    """Return pgloader's command for the data of `source` alone, into tables that are there."""
    file = shop.folder / f"{name}.load"
    kind = "sqlite" if source.startswith("sqlite") else "mysql"
    file.write_text(
        f"LOAD DATABASE FROM {source} INTO {target.plain_url}\n"
        f"WITH data only, workers = 2, concurrency = 1, prefetch rows = 10000 {casts}"
        + (f"\nALTER SCHEMA '{source.rpartition('/')[2]}' RENAME TO 'public'" if kind == "mysql" else "")
        + ";\n",
        encoding="utf-8",
    )
    return [["pgloader", "--quiet", "--root-dir", str(shop.folder / "pgloader"), str(file)]]


def sqlite_to_postgresql(shop: Workshop) -> list[Job]:
    """The plain orders; the same with one text that becomes a uuid; orders as Django makes them."""
    plain = [
        Goal("dbdump --no-verify", "pgloader", 0.38),
        Goal("dbdump, verified", "pgloader", 0.57),
        Goal("dbdump --no-verify", "psql \\copy", 1.3),
    ]
    uuid = [Goal("dbdump --no-verify", "pgloader", 0.42)]
    return [
        _orders_to_postgresql(shop, "plain orders", "char(36)", plain),
        _orders_to_postgresql(shop, "orders, one text into uuid", "uuid", uuid),
        _django_columns(shop),
    ]


def _orders_to_postgresql(shop: Workshop, name: str, reference: str, goals: Sequence[Goal]) -> Job:
    target, source = Database("postgresql", "bench_target"), shop.orders(shop.rows)
    prepare = partial(target.renew, ORDERS_POSTGRESQL.format(reference=reference))
    build = Builder(f"SQLite → PostgreSQL, {name}", shop.rows, *goals)
    ready = rf"\copy shop_order FROM '{source.with_suffix('.tsv')}'"
    build.add("psql \\copy", [target.client(ready)], prepare=prepare)
    load = pgloader(shop, reference[:4], f"sqlite://{source}", target)
    build.add("pgloader", load, prepare=prepare, check=partial(is_equal, source, target.url))
    copies(build, source, target.url, prepare)
    return build.job


def _django_columns(shop: Workshop) -> Job:
    target, source = Database("postgresql", "bench_target"), shop.dataset("django", shop.rows)
    prepare = partial(target.renew, datasets.DJANGO_POSTGRESQL)
    build = Builder("SQLite → PostgreSQL, Django's columns", shop.rows, Goal("dbdump --no-verify", "pgloader", 0.48))
    check = partial(is_equal, source, target.url)
    build.add("pgloader", pgloader(shop, "django", f"sqlite://{source}", target), prepare=prepare, check=check)
    copies(build, source, target.url, prepare)
    return build.job


def mariadb_to_postgresql(shop: Workshop) -> list[Job]:
    source, target = shop.database("mariadb", shop.rows), Database("postgresql", "bench_target")
    prepare = partial(target.renew, ORDERS_POSTGRESQL.format(reference="char(36)"))
    build = Builder("MariaDB → PostgreSQL", shop.rows, Goal("dbdump --no-verify", "pgloader", 0.42))
    load = pgloader(shop, "mariadb", source.plain_url, target)
    build.add("pgloader", load, prepare=prepare, check=partial(is_equal, source.url, target.url))
    copies(build, source.url, target.url, prepare)
    return [build.job]


def postgresql_to_postgresql(shop: Workshop) -> list[Job]:
    source, target = shop.database("postgresql", shop.rows), Database("postgresql", "bench_target")
    goals = Goal("dbdump --no-verify", "pg_dump | psql", 0.95), Goal("dbdump, verified", "pg_dump | psql", 1.5)
    build = Builder("PostgreSQL → PostgreSQL, tables and indexes made", shop.rows, *goals)
    build.add("pg_dump | psql", [["pg_dump", source.plain_url], target.client()], prepare=target.renew)
    copies(build, source.url, target.url, target.renew, "--create")
    return [build.job]


def postgresql_dumps(shop: Workshop) -> list[Job]:
    """A dump of PostgreSQL, and its load."""
    source, target = shop.database("postgresql", shop.rows), Database("postgresql", "bench_target")
    custom, plain, ours = (shop.folder / name for name in ("dump.custom", "dump.sql.zst", "dump"))
    remove = partial(shutil.rmtree, ours, ignore_errors=True)
    goals = Goal("dbdump zstd", "pg_dump -Fc", 0.45), Goal("dbdump zstd", "pg_dump | zstd", 1.2)
    dump = Builder("dump of PostgreSQL", shop.rows, *goals)
    dump.add(
        "pg_dump -Fc",
        [["pg_dump", "-Fc", "-f", custom, source.plain_url]],
        prepare=remove,
        check=partial(_size, custom),
    )
    zstd = ["zstd", "-q", "-f", "-o", str(plain)]
    dump.add("pg_dump | zstd", [["pg_dump", source.plain_url], zstd], prepare=remove, check=partial(_size, plain))
    command = dbdump("dump", source.url, "-o", ours, "--compress", "zstd")
    dump.add("dbdump zstd", [command], prepare=remove, check=partial(_size, ours))
    load = Builder("load of that dump", shop.rows, Goal("dbdump --no-verify", "pg_restore", 1.2))
    restore = ["pg_restore", "--no-owner", "-d", target.plain_url, str(custom)]
    load.add("pg_restore", [restore], prepare=target.renew)
    more = dbdump("load", ours, target.url, "--create", "-y")
    check = partial(is_equal, source.url, target.url)
    load.add("dbdump --no-verify", [[*more, "--no-verify"]], prepare=target.renew, check=check)
    load.add("dbdump, verified", [more], prepare=target.renew, check=check)
    return [dump.job, load.job]


def _size(path: Path) -> str:
    files = path.rglob("*") if path.is_dir() else [path]
    return f"{sum(file.stat().st_size for file in files if file.is_file()) / 1e6:.0f} MB"


def into_mariadb(shop: Workshop) -> list[Job]:
    """From PostgreSQL, SQLite and MariaDB."""
    target = Database("mariadb", "bench_target")
    prepare = partial(target.renew, ORDERS_MARIADB)
    lines, few = shop.orders(shop.rows).with_suffix(".tsv"), shop.orders(shop.slow_rows)
    ready = target.client(f"LOAD DATA LOCAL INFILE '{lines}' INTO TABLE shop_order CHARACTER SET utf8mb4")
    first = Builder("PostgreSQL → MariaDB", shop.rows, Goal("dbdump --no-verify", "LOAD DATA", 1.1))
    goals = Goal("dbdump --no-verify", "LOAD DATA", 1.2), Goal("dbdump --no-verify", "sqlite3mysql", 0.05)
    second = Builder("SQLite → MariaDB", shop.rows, *goals)
    access = ["-d", target.name, "-u", target.user, "-P", target.port, "-h", "127.0.0.1", "--mysql-password", ""]
    for build in (first, second):
        build.add("LOAD DATA", [ready], prepare=prepare)
    command = ["sqlite3mysql", "-q", "-f", str(few), *access]
    check = partial(is_equal, few, target.url)
    second.add("sqlite3mysql", [command], prepare=target.renew, rows=shop.slow_rows, check=check)
    copies(first, shop.database("postgresql", shop.rows).url, target.url, prepare)
    copies(second, shop.orders(shop.rows), target.url, prepare)
    return [first.job, second.job, _mariadb_to_mariadb(shop, target)]


def _mariadb_to_mariadb(shop: Workshop, target: Database) -> Job:
    source, folder = shop.database("mariadb", shop.rows), shop.folder / "mydumper"
    build = Builder("MariaDB → MariaDB", shop.rows, Goal("dbdump --no-verify", "mydumper + myloader", 1.0))
    access = ["-h", "127.0.0.1", "-P", source.port, "-u", source.user, "-t", "2"]

    def prepare() -> None:
        target.renew()
        shutil.rmtree(folder, ignore_errors=True)

    out = ["mydumper", *access, "-B", source.name, "-o", str(folder), "-v", "0"]
    into = ["myloader", *access, "-B", target.name, "-d", str(folder), "-o", "-v", "0"]
    check = partial(is_equal, source.url, target.url)
    build.add("mydumper + myloader", [out], [into], prepare=prepare, check=check)
    pipe = [source.mysql("mariadb-dump"), target.mysql("mariadb")]
    build.add("mariadb-dump | mariadb", pipe, prepare=prepare, check=check)
    copies(build, source.url, target.url, target.renew, "--create")
    return build.job


def into_sqlite(shop: Workshop) -> list[Job]:
    """From MariaDB, PostgreSQL and SQLite."""
    target = shop.folder / "new.db"
    prepare = partial(target.unlink, missing_ok=True)
    return [
        _mysql_to_sqlite(shop, target, prepare),
        _db_to_sqlite(shop, target, prepare),
        _sqlite_to_sqlite(shop, target, prepare),
    ]


def _mysql_to_sqlite(shop: Workshop, target: Path, prepare: Callable[[], object]) -> Job:
    source = shop.database("mariadb", shop.rows)
    build = Builder("MariaDB → SQLite", shop.rows, Goal("dbdump --no-verify", "mysql2sqlite", 0.55))
    words = [
        "mysql2sqlite",
        "-f",
        str(target),
        "-d",
        source.name,
        "-u",
        source.user,
        "-P",
        source.port,
        "-h",
        "127.0.0.1",
        "-q",
    ]
    check = partial(is_equal, source.url, target)
    build.add("mysql2sqlite", [[*words, "--mysql-password", ""]], prepare=prepare, check=check)
    copies(build, source.url, target, prepare, "--create")
    return build.job


def _db_to_sqlite(shop: Workshop, target: Path, prepare: Callable[[], object]) -> Job:
    source, few = shop.database("postgresql", shop.rows), shop.database("postgresql", shop.slow_rows)
    build = Builder("PostgreSQL → SQLite", shop.rows, Goal("dbdump --no-verify", "db-to-sqlite", 0.27))
    words = ["db-to-sqlite", few.plain_url.replace("postgresql:", "postgresql+psycopg2:"), str(target), "--all"]
    build.add("db-to-sqlite", [words], prepare=prepare, rows=shop.slow_rows, check=partial(is_equal, few.url, target))
    copies(build, source.url, target, prepare, "--create")
    return build.job


def _sqlite_to_sqlite(shop: Workshop, target: Path, prepare: Callable[[], object]) -> Job:
    source = shop.orders(shop.rows)
    goals = Goal("dbdump --no-verify", ".dump | sqlite3", 0.12), Goal("dbdump, verified", ".dump | sqlite3", 0.38)
    build = Builder("SQLite → SQLite", shop.rows, *goals)
    pipe = [["sqlite3", str(source), ".dump"], ["sqlite3", str(target)]]
    build.add(".dump | sqlite3", pipe, prepare=prepare, check=partial(is_equal, source, target))
    copies(build, source, target, prepare, "--create")
    return build.job


def other_shapes(shop: Workshop) -> list[Job]:
    """Wide rows, large texts, many tables, and very many narrow rows, from SQLite into PostgreSQL."""
    many = datasets.TABLES * datasets.TABLE_ROWS
    shapes = [("wide", shop.rows // 10), ("documents", shop.rows // 200), ("tables", many)]
    shapes += [("narrow", shop.rows), ("narrow", shop.rows * 10)]
    return [_shape(shop, name, rows) for name, rows in shapes]


def _shape(shop: Workshop, name: str, rows: int) -> Job:
    source, target = shop.dataset(name, rows), Database("postgresql", "bench_target")
    build = Builder(f"SQLite → PostgreSQL, {name}, {rows:,} rows", rows)
    options = ["--quiet", "--root-dir", str(shop.folder / "pgloader")]
    build.add("pgloader", [["pgloader", *options, f"sqlite://{source}", target.plain_url]], prepare=target.renew)
    copies(build, source, target.url, target.renew, "--create")
    return build.job


def django(shop: Workshop) -> list[Job]:
    """A Django project's own commands beside Django's, from SQLite and into PostgreSQL."""
    target, folder = Database("postgresql", "bench_django"), shop.folder / "django"
    target.renew()
    urls = {"default": str(folder / "many.db"), "few": str(folder / "few.db"), "postgresql": target.url}
    project = django_project.orders_project(folder / "project", urls)
    for alias in urls:
        project.manage("migrate", "--database", alias)
    django_project.fill_orders(folder / "many.db", shop.rows)
    django_project.fill_orders(folder / "few.db", shop.slow_rows // 5)
    fixture, out = folder / "few.jsonl", folder / "dump"
    dump = Builder("Django: dump from SQLite", shop.rows, Goal("dbdump", "dumpdata", 1 / 20))
    slow = ["dumpdata", "shop.Order", "--format", "jsonl", "--database", "few", "-o", str(fixture)]
    remove = partial(shutil.rmtree, out, ignore_errors=True)
    dump.add("dumpdata", [project.command(*slow)], prepare=remove, rows=shop.slow_rows // 5)
    dump.add("dbdump", [project.command("dbdump", "shop", "-o", str(out), "-v", "0")], prepare=remove)
    load = Builder("Django: load into PostgreSQL", shop.rows, Goal("dbload --no-verify", "loaddata", 1 / 250))
    empty = partial(project.manage, "flush", "--database", "postgresql", "--noinput", "-v", "0")
    words = ["loaddata", str(fixture), "--database", "postgresql", "-v", "0"]
    load.add("loaddata", [project.command(*words)], prepare=empty, rows=shop.slow_rows // 5)
    words = ["dbload", str(out), "--database", "postgresql", "--noinput", "-v", "0"]
    load.add("dbload --no-verify", [project.command(*words, "--no-verify")], prepare=empty)
    load.add("dbload, verified", [project.command(*words)], prepare=empty)
    return [dump.job, load.job]


def nothing(shop: Workshop) -> list[Job]:
    """A copy of a database without rows, beside the import of SQLAlchemy."""
    source, target = shop.dataset("empty", 0), shop.folder / "new.db"
    prepare = partial(target.unlink, missing_ok=True)
    build = Builder("a database without rows", 1, Goal("dbdump, verified", "import sqlalchemy", 1.15))
    build.add("import sqlalchemy", [[sys.executable, "-c", "import sqlalchemy"]], prepare=prepare)
    build.add("dbdump, verified", [dbdump("copy", source, target, "--create")], prepare=prepare)
    return [build.job]


GROUPS: dict[str, Callable[[Workshop], list[Job]]] = {
    "sqlite-postgresql": sqlite_to_postgresql,
    "mariadb-postgresql": mariadb_to_postgresql,
    "postgresql-postgresql": postgresql_to_postgresql,
    "postgresql-dump": postgresql_dumps,
    "into-mariadb": into_mariadb,
    "into-sqlite": into_sqlite,
    "shapes": other_shapes,
    "django": django,
    "nothing": nothing,
}
"""What `--only` names -> the jobs of it."""
