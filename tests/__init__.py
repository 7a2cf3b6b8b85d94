"""The tests of dbdump."""
