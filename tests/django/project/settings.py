"""Settings of the test project.

`DBDUMP_TEST_DATABASES` (JSON: alias -> an entry of DATABASES) adds aliases for a process of its own; the
fixtures add theirs while they run. `DBDUMP_TEST_SETTINGS` (JSON) overrides any other setting.
"""

from __future__ import annotations

import json
import os

import django

SECRET_KEY = "a key for tests alone"
SITE_ID = 1
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-us"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "accounts.Account"
DATABASE_ROUTERS = ["tests.django.project.router.ArchiveRouter"]

DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"},
    "archive": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"},
    **json.loads(os.environ.get("DBDUMP_TEST_DATABASES", "{}")),
}

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.sites",
    "tests.django.project.accounts",
    "tests.django.project.blog",
    "tests.django.project.catalog",
    "tests.django.project.archive",
    # GeneratedField and db_default came with Django 5.0, CompositePrimaryKey with 5.2.
    *(["tests.django.project.modern"] if django.VERSION >= (5, 2) else []),
    "dbdump_django",
]

MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

globals().update(json.loads(os.environ.get("DBDUMP_TEST_SETTINGS", "{}")))
