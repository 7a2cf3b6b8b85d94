"""MySQL and MariaDB: one text cell a row out, LOAD DATA LOCAL from memory in."""

from .backend import MysqlBackend as Backend

__all__ = ["Backend"]
