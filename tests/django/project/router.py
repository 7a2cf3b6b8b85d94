"""The app `archive` lives in databases of its own, all others never there."""

from __future__ import annotations

from typing import Any

from django.db.models import Model


def is_archive(alias: str) -> bool:
    return alias.endswith("archive")


class ArchiveRouter:
    def db_for_read(self, model: type[Model], **hints: Any) -> str | None:
        return "archive" if model._meta.app_label == "archive" else None

    db_for_write = db_for_read

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return (app_label == "archive") == is_archive(db)
