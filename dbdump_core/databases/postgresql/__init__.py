"""PostgreSQL: COPY both ways, one snapshot, one transaction."""

from .backend import PostgresqlBackend as Backend

__all__ = ["Backend"]
