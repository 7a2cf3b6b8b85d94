"""What a load tells the project."""

from __future__ import annotations

from django.dispatch import Signal

post_load = Signal()
"""Sent once after a load or copy was committed, with sender=DbdumpConfig, `report` (dbdump_core.Report) and
`alias`. No model instances are made and no signals of models are sent: receivers that keep caches,
search indexes or counters listen here. A receiver that raises undoes nothing; the report says so."""
