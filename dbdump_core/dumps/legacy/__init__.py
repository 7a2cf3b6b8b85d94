"""The files of 2007: one `TABLE.py` a table, read without being run, and written."""
