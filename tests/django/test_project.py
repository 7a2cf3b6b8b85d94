"""The project itself: what the other tests rely on."""

from __future__ import annotations

from io import StringIO

from django.core.management import call_command

from tests.django.contents import cells, identities


def test_migrations_are_those_of_the_models() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0, stdout=StringIO())


def test_filled_databases_hold_the_same_on_each_engine(filled: str, django_databases) -> None:
    reference = cells(django_databases.filled("sqlite"))
    found = cells(filled)
    assert found == reference
    assert not [table for table, rows in found.items() if not rows]


def test_fresh_databases_have_other_keys(filled: str, fresh: str) -> None:
    there, here = identities(filled), identities(fresh)
    assert set(here["auth.permission"].values()) < set(there["auth.permission"].values())
    for label, rows in here.items():
        same = [key for key, identity in rows.items() if there[label].get(key) == identity]
        assert len(same) * 4 < len(rows), label
