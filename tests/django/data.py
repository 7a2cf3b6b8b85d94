"""Rows for every table of the test project: the same in every database, and with every odd value it can hold."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.contrib.sites.models import Site
from django.db import connections, transaction
from django.db.models import JSONField, Model, QuerySet, Value

from tests.django.project.accounts.models import Account
from tests.django.project.archive.models import Box, Record
from tests.django.project.blog.models import Bookmark, Category, Comment, Editing, Mark, Post, Series, Tag, TypeSetting
from tests.django.project.catalog import models as catalog
from tests.django.project.catalog.fields import Condition
from tests.django.project.router import is_archive

NOON = datetime(2007, 11, 1, 12, 0, 0, 123456, tzinfo=UTC)

TEXTS = [
    "", " ", "plain", " spaces around ", "tab\tline\nreturn\rboth\r\nend", "back\\slash \\N \\. \\t",
    "it's \"quoted\" `so`",
    "%s %(name)s 100% {} $1 :name ?", "NULL", "\\N", "Ünïcödé ß ẞ ı İ", "Ελληνικά", "русский", "עברית", "العربية",
    "हिन्दी", "ไทย", "漢字とかな", "한국어", "👩‍👩‍👧 🏳️‍🌈", "e\u0301 and é", "zero\u200bwidth \ufeff bom",
    "\x01\x1c\x1e\x1f\x7f",
    "-- '; DROP TABLE blog_post; --", "=1+1", "long " * 2000,
]  # fmt: skip
DOCUMENTS: list[object] = [
    {}, [], "", "text\n\"quoted\" \\ 'single'", 0, -1, 1.5, 2**53 + 1, True, False,
    {"b": 1, "a": {"ä": [None, "漢", 1e-7]}}, {"null": None, "empty": "", "deep": [[[[]]]]},
    ["\t", "\\N", "\\u0041"], "2007-11-01",
]  # fmt: skip
DECIMALS = ["0", "0.0001", "-0.0001", "12345678.1234", "-99999999.9999", "99999999.9999", "1.5", "100", "0.3333"]
FLOATS = [0.0, 0.1, 0.1 + 0.2, -1.5, 1e15, 1e16, 1 / 3, 1e300, -2.2250738585072014e-308, 123456789.123456789]
BINARIES = [b"", b"\x00", bytes(range(256)), b"\\x00", b"plain", b"\xff\xfe", b"\n\t\\N", b"x" * 70000]
DURATIONS = [
    timedelta(0), timedelta(microseconds=1), timedelta(microseconds=-1), timedelta(days=-3, microseconds=5),
    timedelta(days=40000, hours=23, minutes=59, seconds=59, microseconds=999999), timedelta(hours=25),
]  # fmt: skip
MOMENTS = [
    NOON, datetime(1583, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 20, 59, 59, 999999, tzinfo=UTC),
    datetime(2024, 3, 31, 1, 30, tzinfo=UTC), datetime(2024, 10, 27, 3, 30, 0, 1, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC), datetime(2038, 1, 19, 3, 14, 8, tzinfo=UTC),
    datetime(2000, 2, 29, 0, 0, 0, 500000, tzinfo=UTC),
]  # fmt: skip
DAYS = [date(1583, 1, 1), date(1969, 12, 31), date(2000, 2, 29), date(9999, 12, 31)]
HOURS = [time(0), time(23, 59, 59, 999999), time(12, 30), time(0, 0, 0, 1), time(1, 2, 3, 120000)]
ADDRESSES = ["192.168.0.1", "::1", "2001:db8::ff00:42:8329", "0.0.0.0", "255.255.255.255"]


def pick(values: list, number: int) -> object:
    """The values in turn, each round with one NULL."""
    turn = number % (len(values) + 1)
    return None if turn == len(values) else values[turn]


def key(name: str) -> uuid.UUID:
    return uuid.uuid5(uuid.NAMESPACE_DNS, name)


def at(alias: str, model: type[Model]) -> QuerySet:
    """All rows of a model, those that its default manager hides too."""
    return model._base_manager.using(alias)


def fill(alias: str) -> None:
    """Fill a migrated database whose tables are empty, but for what `migrate` makes."""
    with transaction.atomic(using=alias):
        if is_archive(alias):
            fill_archive(alias)
            return
        ContentType.objects.clear_cache()
        fill_identities(alias)
        fill_accounts(alias)
        fill_catalog(alias)
        fill_blog(alias)
        fill_generic(alias)
        fill_admin(alias)
        fill_modern(alias)
        leave_gaps(alias)


def fill_identities(alias: str) -> None:
    """More sites, a permission made by hand, and the content type of a model that is no more."""
    for domain in ("blog.example.com", "shop.example.com", "пример.example"):
        at(alias, Site).create(domain=domain, name=domain.title())
    retired = at(alias, ContentType).create(app_label="retired", model="widget")
    at(alias, Permission).create(content_type=retired, codename="view_widget", name="Can view widget")
    post = at(alias, ContentType).get(app_label="blog", model="post")
    at(alias, Permission).create(content_type=post, codename="feature", name="Can feature posts, naïvely")


def fill_accounts(alias: str) -> None:
    at(alias, Account).bulk_create(
        Account(
            username=f"user{number}", password=f"!{number}", first_name=TEXTS[number % 24][:40],
            last_name=f"Name {number}", email=f"user{number}@example.com", is_staff=number % 3 == 0,
            is_superuser=number == 1, is_active=number % 7 != 0, date_joined=NOON + timedelta(days=number),
            last_login=pick(MOMENTS, number), birthday=pick(DAYS, number),
        )
        for number in range(1, 41)
    )  # fmt: skip
    accounts = list(at(alias, Account).order_by("pk"))
    at(alias, Account).filter(pk__gt=accounts[9].pk).update(manager=accounts[-1])  # who comes after some of them
    permissions = list(at(alias, Permission).order_by("content_type__app_label", "content_type__model", "codename"))
    for number in range(6):
        group = at(alias, Group).create(name=f"Group {number} {TEXTS[10 + number]}")
        group.permissions.set(permissions[number::7])
        group.user_set.set(accounts[number::5])
    for number, account in enumerate(accounts[::4]):
        account.user_permissions.set(permissions[number::11])


def fill_catalog(alias: str) -> None:
    fill_tree(alias)
    for code, name in (("EUR", "Euro €"), ("JPY", "円"), ("chf", "Franken")):
        at(alias, catalog.Currency).create(code=code, name=name)
    for number in range(5):
        at(alias, catalog.Warehouse).create(code=f"W {number}", mac=pick(["00:1b:44:11:3a:b7", ""], number))
    for number in range(30):
        product = make_product(alias, number)
        detail = catalog.ProductDetail(product=product, text=TEXTS[number % len(TEXTS)], weight=pick(FLOATS, number))
        detail.save(using=alias)
        for place in range(number % 5):
            at(alias, catalog.Stock).create(
                product_id=product.pk, warehouse_id=f"W {place}", amount=2**31 - 1 - number, total=2**63 - 1 - place,
                change=-(2**63) + number,
            )  # fmt: skip
        at(alias, catalog.Visit).create(product_id=product.pk * 3, at=MOMENTS[number % len(MOMENTS)])
    fill_odd_names(alias)


def fill_tree(alias: str) -> None:
    """Nodes 20 … 1: each but the last is below one that was made later; and countries with capitals."""
    nodes = [at(alias, catalog.Node).create(name=f"node {number}", position=number) for number in range(20)]
    for number, node in enumerate(nodes[:-1]):
        node.parent = nodes[min(number + 1 + number % 3, 19)]
        node.save(using=alias)
    for name in ("Österreich", "日本", "Peru"):
        country = at(alias, catalog.Country).create(name=name)
        city = at(alias, catalog.City).create(name=f"Capital of {name}", country=country)
        country.capital = city
        country.save(using=alias)
        at(alias, catalog.City).create(name=f"Another of {name}", country=None)


def make_product(alias: str, number: int) -> catalog.Product:
    """A product; every second is a book, every fourth an audiobook too."""
    values = {
        "sku": f"sku-{number}", "name": TEXTS[number % 20], "price": Decimal(number) / 4 + Decimal("0.01"),
        "cost": pick([Decimal("1.23"), Decimal("-0.01")], number), "currency_id": ("EUR", "JPY", "chf")[number % 3],
        "node": at(alias, catalog.Node).order_by("-pk")[number % 20],
        "words": pick([["one", "two"], [""], ["|"]], number), "condition": pick(list(Condition), number),
    }  # fmt: skip
    model: type[Model] = catalog.Product
    if number % 2 == 0:
        model, values = catalog.Book, {**values, "isbn": f"97812345{number:05}", "pages": pick([0, 999], number)}
    if number % 4 == 0:
        model, values = catalog.Audiobook, {**values, "length": DURATIONS[number // 4 % len(DURATIONS)]}
    made = model(**values)
    made.save(using=alias)
    return made


def fill_odd_names(alias: str) -> None:
    for number in range(10):
        order = at(alias, catalog.Order).create(group=f"g{number}", select=pick([1, -1], number), key=number % 2 == 0)
        for amount in range(number % 4):
            values = {"text": TEXTS[number][:50], "amount": amount, "size": pick([0], number)}
            at(alias, catalog.OrderLine).create(order=order, **values)
    quote = connections[alias].ops.quote_name
    table, columns = quote("old ledger 100%"), ", ".join(map(quote, ("number", "100% share", "booked", "paid")))
    # As bare SQL without parameters: Django cannot insert into a column with a percent sign.
    with connections[alias].cursor() as cursor:
        for number in range(-3, 4):
            values = (str(number), f"{number}.125", f"'2007-11-0{number + 4} 10:00:00.5'", "TRUE" if number else "NULL")
            cursor.execute(f"INSERT INTO {table} ({columns}) VALUES ({', '.join(values)})")


def fill_blog(alias: str) -> None:
    sites = list(at(alias, Site).order_by("domain"))
    permissions = list(at(alias, Permission).order_by("codename", "content_type__model"))
    for number in range(5):
        at(alias, Series).create(id=key(f"series{number}"), name=f"Series {number}", site=sites[number % len(sites)])
    for number in range(8):
        at(alias, Category).create(name=f"Category {number}", needs=pick(permissions[3:5], number))
    at(alias, Post).bulk_create(make_post(alias, number) for number in range(80))
    at(alias, Post).filter(slug="post-3").update(data=Value(None, JSONField()))  # JSON's null
    posts = list(at(alias, Post).order_by("pk"))
    for number, post in enumerate(posts):
        # What auto_now and auto_now_add did not let through.
        at(alias, Post).filter(pk=post.pk).update(created=NOON, modified=MOMENTS[number % len(MOMENTS)])
        post.categories.set(at(alias, Category).order_by("pk")[number % 5 : number % 8])
        post.answers.set(posts[number // 3 : number // 3 + number % 3])
        post.related.set(posts[number % 7 : number % 9])
    fill_between(alias, posts)


def make_post(alias: str, number: int) -> Post:
    accounts = at(alias, Account).order_by("username")
    return Post(
        author=accounts[number % 40], series_id=pick([key(f"series{n}") for n in range(5)], number),
        title=TEXTS[number % 25][:200], slug=f"post-{number}", body=TEXTS[number % len(TEXTS)],
        data=pick(DOCUMENTS, number), rating=pick([Decimal(text) for text in DECIMALS], number),
        score=pick(FLOATS, number), thumbnail=pick(BINARIES, number), reading_time=pick(DURATIONS, number),
        published=pick(MOMENTS, number), day=pick(DAYS, number), hour=pick(HOURS, number),
        featured=pick([True, False], number), deleted=number % 6 == 5, address=pick(ADDRESSES, number),
        attachment=f"attachments/ä {number}.pdf" if number % 2 else "", token=key(f"post{number}"),
    )  # fmt: skip


def fill_between(alias: str, posts: list[Post]) -> None:
    """Comments upon comments, and editors with roles."""
    accounts = list(at(alias, Account).order_by("username"))
    answered: Comment | None = None
    for number in range(120):
        author = pick(accounts[:5], number)
        comment = at(alias, Comment).create(
            post=posts[number % 80], answer_to=answered, author=author, text=TEXTS[number % len(TEXTS)]
        )
        answered = comment if number % 4 else None
    at(alias, Comment).update(created=NOON, modified=NOON + timedelta(microseconds=1))
    at(alias, Editing).bulk_create(
        Editing(post=posts[number], editor=accounts[number % 9], role=f"role {number % 4}", since=pick(MOMENTS, number))
        for number in range(60)
    )


def fill_generic(alias: str) -> None:
    """Tags and bookmarks on everything: on series by uuid, and on what has other keys elsewhere."""
    permissions = list(at(alias, Permission).order_by("codename", "content_type__model"))
    kinds = list(at(alias, ContentType).order_by("model", "app_label"))
    tagged: list[Model] = [
        *at(alias, Post).order_by("pk")[:20], *at(alias, Series).order_by("name"), *permissions[::5], *kinds[::2],
        *at(alias, Site).order_by("domain"), *at(alias, catalog.Audiobook).order_by("pk"),
        *at(alias, Account).order_by("pk")[:3],
    ]  # fmt: skip
    for number, thing in enumerate(tagged):
        kind = ContentType.objects.db_manager(alias).get_for_model(thing)
        at(alias, Tag).create(label=f"tag {number % 4}", content_type=kind, object_id=str(thing.pk))
        whole = thing.pk if isinstance(thing.pk, int) else None
        at(alias, Bookmark).create(account_id=accounts_first(alias), target_type=kind, target_id=whole)
        if isinstance(thing, Series):
            at(alias, Mark).create(content_type=kind, object_id=thing.pk)
    at(alias, Bookmark).create(account_id=accounts_first(alias), target_type=None, target_id=7)
    retired = at(alias, ContentType).get(app_label="retired")
    at(alias, Tag).create(label="left behind", content_type=retired, object_id="17")
    for number, kind in enumerate(kinds[1::3]):
        setting = at(alias, TypeSetting).create(content_type=kind, icon=f"icon {number}")
        setting.permissions.set(permissions[number::9])
        setting.sites.set(at(alias, Site).order_by("domain")[: number % 3])


def accounts_first(alias: str) -> int:
    return at(alias, Account).order_by("username").values_list("pk", flat=True)[0]


def fill_admin(alias: str) -> None:
    permissions = list(at(alias, Permission).order_by("codename", "content_type__model"))
    logged: list[Model | None] = [
        None, *permissions[:10], *at(alias, Post).order_by("pk")[:10],
        *at(alias, Site).order_by("domain"),
    ]  # fmt: skip
    for number, thing in enumerate(logged):
        kind = ContentType.objects.db_manager(alias).get_for_model(thing) if thing else None
        at(alias, LogEntry).create(
            user_id=accounts_first(alias), content_type=kind, object_id=str(thing.pk) if thing else None,
            object_repr=f"thing {number}", action_flag=CHANGE if number % 2 else ADDITION, action_time=NOON,
            change_message=TEXTS[number % 20],
        )  # fmt: skip
    for number in range(5):
        data = f"session data {number}"
        at(alias, Session).create(session_key=f"{number:032x}", session_data=data, expire_date=NOON)


def fill_modern(alias: str) -> None:
    from django.apps import apps

    if not apps.is_installed("tests.django.project.modern"):
        return
    from tests.django.project.modern.models import Plot, Seat

    for number in range(20):
        plot = at(alias, Plot).create(width=number, height=-number, state=pick(["old"], number), measured=NOON)
        at(alias, Seat).create(hall=f"hall {number % 3}", number=number, plot=plot if number % 2 else None)
    at(alias, Plot).create(width=1, height=1, measured=NOON)  # the state that the database gives


def fill_archive(alias: str) -> None:
    for number in range(20):
        box = at(alias, Box).create(id=key(f"box{number}"), label=TEXTS[number][:50])
        for part in range(number % 4):
            content = pick(DOCUMENTS, number + part)
            at(alias, Record).create(box_id=box.pk, owner_id=number, filed=MOMENTS[part], content=content)


def leave_gaps(alias: str) -> None:
    """Delete rows at the start, in the middle and at the end: keys are not 1 … n, and the next is not max + 1."""
    for model in (Comment, Tag, Editing, Bookmark, LogEntry, catalog.Stock, catalog.Visit, catalog.OrderLine):
        keys = list(at(alias, model).order_by("pk").values_list("pk", flat=True))
        at(alias, model).filter(pk__in=[keys[0], *keys[10:12], keys[-1]]).delete()
