from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models


class Box(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    label = models.CharField(max_length=50)


class Record(models.Model):
    """Its owner lives in another database, so no constraint holds the reference."""

    box = models.ForeignKey(Box, models.CASCADE)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.DO_NOTHING, db_constraint=False, related_name="+")
    filed = models.DateTimeField()
    content = models.JSONField(null=True)
