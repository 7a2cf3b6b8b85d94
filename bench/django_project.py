"""Throw-away Django projects for the benchmarks: one with a table of orders, one with very many models."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote, urlsplit

from . import orders

_SETTINGS = """\
SECRET_KEY = "of no use"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "dbdump_django", "shop"]
DATABASES = {databases!r}
"""
_ORDER = """\
from django.db import models


class Order(models.Model):
    customer_id = models.BigIntegerField()
    status = models.CharField(max_length=20)
    note = models.TextField()
    price = models.DecimalField(max_digits=10, decimal_places=2)
    weight = models.FloatField()
    ordered_on = models.DateField()
    created_at = models.DateTimeField()
    is_paid = models.BooleanField()
    coupon = models.CharField(max_length=20, null=True)
    item_count = models.BigIntegerField(null=True)
    reference = models.CharField(max_length=36)
"""
_ONE_OF_MANY = """

class Model{number}(models.Model):
    name = models.CharField(max_length=50)
    amount = models.DecimalField(max_digits=12, decimal_places=2, default=0)
    made = models.DateTimeField(auto_now_add=True)
    parent = models.ForeignKey("{parent}", null=True, on_delete=models.CASCADE)
"""
_ENGINES = {
    "postgresql": "django.db.backends.postgresql",
    "mysql": "django.db.backends.mysql",
    "mariadb": "django.db.backends.mysql",
}


def database_settings(url: str) -> dict[str, object]:
    """Return the entry of DATABASES for a URL, or for the path of an SQLite file."""
    if "://" not in url:
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": url}
    parts = urlsplit(url)
    return {
        "ENGINE": _ENGINES[parts.scheme.partition("+")[0]],
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
    }


class Project:
    """A Django project in `folder` with one app, `shop`, which has no migrations yet.

    `urls`: alias -> URL or SQLite path.
    """

    def __init__(self, folder: Path, urls: Mapping[str, str], models: str) -> None:
        self.folder = folder
        app = folder / "shop"
        app.mkdir(parents=True)
        (app / "__init__.py").touch()
        (app / "models.py").write_text(models, encoding="utf-8")
        databases = {alias: database_settings(url) for alias, url in urls.items()}
        (folder / "settings.py").write_text(_SETTINGS.format(databases=databases), encoding="utf-8")
        (folder / "manage.py").write_text(_MANAGE, encoding="utf-8")

    def command(self, *arguments: str) -> Sequence[str | Path]:
        """Return the command line of a management command."""
        return [sys.executable, self.folder / "manage.py", *arguments]

    def manage(self, *arguments: str) -> None:
        """Run a management command; raises CalledProcessError when it fails."""
        subprocess.run(self.command(*arguments), check=True, stdout=subprocess.DEVNULL)


_MANAGE = """\
import os
import sys

if any("mysql" in database["ENGINE"] for database in __import__("settings").DATABASES.values()):
    import pymysql

    pymysql.version_info = (2, 2, 8, "final", 0)
    pymysql.install_as_MySQLdb()
os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
from django.core.management import execute_from_command_line

execute_from_command_line(sys.argv)
"""


def orders_project(folder: Path, urls: Mapping[str, str]) -> Project:
    """Return a project whose one model is the order of the benchmark's data."""
    project = Project(folder, urls, _ORDER)
    project.manage("makemigrations", "shop")
    return project


def many_models_project(folder: Path, urls: Mapping[str, str], models: int) -> Project:
    """Return a project of `models` models, each of which refers to another one.

    It has no migrations: Django takes minutes to make them for so many.
    """
    numbers = range(models)
    texts = [_ONE_OF_MANY.format(number=number, parent=f"Model{number // 2}") for number in numbers]
    return Project(folder, urls, "from django.db import models\n" + "".join(texts))


def fill_orders(database: Path, rows: int) -> None:
    """Put `rows` orders into the migrated SQLite file `database`."""
    slots = ", ".join("?" * len(orders.COLUMNS))
    statement = f"INSERT INTO shop_order ({', '.join(orders.COLUMNS)}) VALUES ({slots})"
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.executemany(statement, orders.order_rows(rows))
