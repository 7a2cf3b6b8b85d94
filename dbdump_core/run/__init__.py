"""Doing it: the transfer, its pipeline, the comparison."""
