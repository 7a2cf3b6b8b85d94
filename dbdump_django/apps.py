"""The application, for INSTALLED_APPS."""

from __future__ import annotations

from django.apps import AppConfig


class DbdumpConfig(AppConfig):  # type: ignore[misc]
    """`"dbdump_django"` in INSTALLED_APPS: gives `manage.py` its commands. It has no models."""

    name = "dbdump_django"
    label = "dbdump_django"
    verbose_name = "dbdump"
