"""Management commands and model descriptions that let a Django project use dbdump."""
