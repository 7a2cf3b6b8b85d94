"""A demonstration on data made here: `python -m dbdump_core.demo`.

Makes an SQLite shop, moves it with the real command line and compares the results with nothing
but the standard library's `sqlite3`. No server, no configuration, no network.
"""
