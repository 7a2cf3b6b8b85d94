"""Statements grow with blocks, never with rows; many-to-many tables are no exception."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from django.contrib.contenttypes.models import ContentType

from dbdump_core.databases import backend_for
from dbdump_django import operations
from dbdump_django.db_url import database_url
from tests.django.contents import cells
from tests.django.data import NOON, at, key
from tests.django.databases import Databases, empty, permute
from tests.django.project.accounts.models import Account
from tests.django.project.blog.models import Category, Post, Tag
from tests.django.statements import counted
from tests.servers import ENGINES

FEW, MANY = 20, 1500

def fill_with(alias: str, count: int) -> None:
    """So many posts, twice as many rows between posts and categories, and so many generic tags."""
    empty(alias)
    permute(alias)
    author = Account(username="writer", date_joined=NOON)
    author.save(using=alias)
    categories = at(alias, Category).bulk_create([Category(id=1, name="one"), Category(id=2, name="two")])
    at(alias, Post).bulk_create(
        Post(id=number, author=author, title="t" * 100, slug=f"p{number}", token=key(f"p{number}"))
        for number in range(1, count + 1)
    )
    through = Post.categories.through
    at(alias, through).bulk_create(
        through(post_id=number, category=category) for number in range(1, count + 1) for category in categories
    )
    kind = at(alias, ContentType).get(app_label="blog", model="post").pk
    at(alias, Tag).bulk_create(
        Tag(label="many", content_type_id=kind, object_id=str(number)) for number in range(1, count + 1)
    )


NEXT = dict(zip(ENGINES, (*ENGINES[1:], ENGINES[0]), strict=True))


def test_statements_do_not_grow_with_rows(
    engine_name: str, fresh: str, django_databases: Databases, tmp_path: Path
) -> None:
    target = django_databases.fresh(NEXT[engine_name])
    sent: dict[int, dict[str, int]] = {}
    for count in (FEW, MANY):
        fill_with(fresh, count)
        folder = tmp_path / str(count)
        with counted() as dumping:
            operations.dump(str(folder), alias=fresh)
        with counted() as loading:
            operations.load(str(folder), alias=target, replace=True)
        with counted() as copying:
            operations.copy(source=fresh, target=target, replace=True)
        assert cells(target)["blog_post_categories"] == cells(fresh)["blog_post_categories"]
        sent[count] = {"dump": len(dumping), "load": len(loading), "copy": len(copying)}
    for verb, few in sent[FEW].items():
        # Some 6000 rows more; SQLite is read and written by a few hundred rows at a time.
        assert sent[MANY][verb] <= few + 60, sent


def test_the_count_hears_what_is_sent_past_sqlalchemy(fresh: str) -> None:
    """The proof above would be worth nothing if the drivers' own calls were not heard."""
    with counted() as sent, closing(backend_for(database_url(fresh)).connect(writing=True)) as connection:
        cursor = connection.connection.driver_connection.cursor()
        for number in range(30):
            cursor.execute(f"UPDATE blog_post SET body = '' WHERE id = {number}")
        connection.rollback()
    assert len([statement for statement in sent if "UPDATE blog_post" in statement]) == 30
