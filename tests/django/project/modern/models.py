from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class Plot(models.Model):
    """A generated column, and defaults that the database gives."""

    width = models.IntegerField()
    height = models.IntegerField()
    area = models.GeneratedField(
        expression=models.F("width") * models.F("height"), output_field=models.IntegerField(), db_persist=True
    )
    state = models.CharField(max_length=10, db_default="new", null=True)
    measured = models.DateTimeField(db_default=Now())


class Seat(models.Model):
    """A key of two columns."""

    pk = models.CompositePrimaryKey("hall", "number")
    hall = models.CharField(max_length=20)
    number = models.IntegerField()
    plot = models.ForeignKey(Plot, models.CASCADE, null=True)
    broken = models.BooleanField(default=False)
