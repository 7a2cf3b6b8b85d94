from __future__ import annotations

from django.db import models

from .fields import CentsField, ConditionField, HardwareAddressField, WordsField


class Node(models.Model):
    """A tree; parents may have higher keys than their children."""

    parent = models.ForeignKey("self", models.CASCADE, null=True, related_name="children")
    name = models.CharField(max_length=50)
    position = models.PositiveSmallIntegerField(default=0)


class Currency(models.Model):
    """Referred to by its code, not by its key."""

    code = models.CharField(max_length=3, unique=True)
    name = models.CharField(max_length=50)


class Product(models.Model):
    """The root of a multi-table inheritance of two levels."""

    sku = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=200)
    price = models.DecimalField(max_digits=10, decimal_places=2)
    cost = CentsField(null=True)
    currency = models.ForeignKey(Currency, models.PROTECT, to_field="code")
    node = models.ForeignKey(Node, models.SET_NULL, null=True)
    words = WordsField(null=True)
    condition = ConditionField(null=True)


class Book(Product):
    isbn = models.CharField(max_length=13, unique=True)
    pages = models.PositiveIntegerField(null=True)


class Audiobook(Book):
    length = models.DurationField()
    narrator = models.CharField(max_length=100, blank=True)


class CheapProduct(Product):
    """A proxy: permissions and a content type, but no table."""

    class Meta:
        proxy = True


class ProductDetail(models.Model):
    """A one-to-one field as the key."""

    product = models.OneToOneField(Product, models.CASCADE, primary_key=True)
    text = models.TextField()
    weight = models.FloatField(null=True)


class Warehouse(models.Model):
    code = models.CharField(max_length=10, primary_key=True)
    mac = HardwareAddressField(null=True)


class Stock(models.Model):
    product = models.ForeignKey(Product, models.CASCADE)
    warehouse = models.ForeignKey(Warehouse, models.CASCADE)
    amount = models.PositiveIntegerField(default=0)
    total = models.PositiveBigIntegerField(default=0)
    change = models.BigIntegerField(default=0)

    class Meta:
        unique_together = [("product", "warehouse")]


class Country(models.Model):
    """With City, a cycle of two foreign keys."""

    name = models.CharField(max_length=50)
    capital = models.ForeignKey("City", models.SET_NULL, null=True, related_name="+")


class City(models.Model):
    name = models.CharField(max_length=50)
    country = models.ForeignKey(Country, models.CASCADE, null=True)


class Visit(models.Model):
    """A foreign key that the database knows nothing of; its rows may point nowhere."""

    id = models.AutoField(primary_key=True)
    product = models.ForeignKey(Product, models.DO_NOTHING, db_constraint=False)
    at = models.DateTimeField()


class Order(models.Model):
    """Reserved words, for the table too."""

    group = models.CharField(max_length=20, db_column="group")
    select = models.IntegerField(db_column="select", null=True)
    key = models.BooleanField(db_column="primary", default=False)

    class Meta:
        db_table = "order"


class OrderLine(models.Model):
    """Names that must be quoted everywhere: spaces, quotes, letters of both cases and of other alphabets."""

    order = models.ForeignKey(Order, models.CASCADE, db_column="Order Id")
    text = models.CharField(max_length=50, db_column="it's; -- a \\n text")
    amount = models.IntegerField(db_column="Größe")
    size = models.IntegerField(db_column="UPPER", null=True)

    class Meta:
        db_table = "Order Lines: it's Größe"


class Ledger(models.Model):
    """Unmanaged; the table is there nevertheless (see `databases.migrate`)."""

    number = models.IntegerField(primary_key=True)
    share = models.DecimalField(max_digits=8, decimal_places=3, db_column="100% share", null=True)
    booked = models.DateTimeField(null=True)
    paid = models.BooleanField(null=True)

    class Meta:
        managed = False
        db_table = "old ledger 100%"


class Phantom(models.Model):
    """Unmanaged, and there is no such table."""

    name = models.CharField(max_length=50)

    class Meta:
        managed = False
        db_table = "a_table_that_is_not_there"
