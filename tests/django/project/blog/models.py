from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.fields import GenericForeignKey, GenericRelation
from django.contrib.contenttypes.models import ContentType
from django.contrib.sites.models import Site
from django.db import models


class Stamped(models.Model):
    """Moments that `save()` would overwrite."""

    created = models.DateTimeField(auto_now_add=True)
    modified = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True


class Tag(models.Model):
    """A label on anything; keys of any kind, as text."""

    label = models.CharField(max_length=50)
    content_type = models.ForeignKey(ContentType, models.CASCADE)
    object_id = models.CharField(max_length=64)
    content_object = GenericForeignKey()

    class Meta:
        unique_together = [("label", "content_type", "object_id")]


class Mark(models.Model):
    """On anything that has a uuid as its key."""

    content_type = models.ForeignKey(ContentType, models.CASCADE)
    object_id = models.UUIDField()
    content_object = GenericForeignKey()


class Bookmark(models.Model):
    """Points at anything with an integer key, or at nothing; its columns have other names than usual."""

    account = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
    target_type = models.ForeignKey(
        ContentType, models.CASCADE, null=True, db_column="kind", db_constraint=False, related_name="+"
    )
    target_id = models.PositiveBigIntegerField(null=True, db_column="key")
    target = GenericForeignKey("target_type", "target_id")


class TypeSetting(models.Model):
    """A row for a content type, with the content type's key as its own."""

    content_type = models.OneToOneField(ContentType, models.CASCADE, primary_key=True)
    icon = models.CharField(max_length=20)
    permissions = models.ManyToManyField(Permission)
    sites = models.ManyToManyField(Site)


class Series(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=100)
    site = models.ForeignKey(Site, models.CASCADE)
    tags = GenericRelation(Tag)


class Category(models.Model):
    id = models.SmallAutoField(primary_key=True)
    name = models.CharField(max_length=100)
    needs = models.ForeignKey(Permission, models.SET_NULL, null=True)


class Alive(models.Manager):
    def get_queryset(self) -> models.QuerySet:
        return super().get_queryset().filter(deleted=False)


class Post(Stamped):
    """One field of each kind, and a default manager that hides rows."""

    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="posts")
    series = models.ForeignKey(Series, models.SET_NULL, null=True)
    categories = models.ManyToManyField(Category)
    editors = models.ManyToManyField(settings.AUTH_USER_MODEL, through="Editing", related_name="edited")
    related = models.ManyToManyField("self")
    answers = models.ManyToManyField("self", symmetrical=False, related_name="answered_by")
    tags = GenericRelation(Tag)
    title = models.CharField(max_length=200)
    slug = models.SlugField(unique=True)
    body = models.TextField(blank=True)
    data = models.JSONField(null=True)
    rating = models.DecimalField(max_digits=12, decimal_places=4, null=True)
    score = models.FloatField(null=True)
    thumbnail = models.BinaryField(null=True)
    reading_time = models.DurationField(null=True)
    published = models.DateTimeField(null=True)
    day = models.DateField(null=True)
    hour = models.TimeField(null=True)
    featured = models.BooleanField(null=True)
    deleted = models.BooleanField(default=False)
    address = models.GenericIPAddressField(null=True)
    attachment = models.FileField(upload_to="attachments", blank=True)
    token = models.UUIDField(default=uuid.uuid4, unique=True)

    objects = Alive()


class Editing(models.Model):
    """An explicit table between posts and accounts with columns of its own."""

    post = models.ForeignKey(Post, models.CASCADE)
    editor = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
    role = models.CharField(max_length=20, default="reader")
    since = models.DateTimeField(null=True)

    class Meta:
        unique_together = [("post", "editor")]


class Comment(Stamped):
    post = models.ForeignKey(Post, models.CASCADE)
    answer_to = models.ForeignKey("self", models.CASCADE, null=True)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True)
    text = models.TextField()
