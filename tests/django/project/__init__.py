"""A Django project of many apps, made to hold whatever a model can ask of a database."""

from __future__ import annotations

import pymysql

# Django asks for mysqlclient; PyMySQL takes its place under its name.
pymysql.install_as_MySQLdb()
