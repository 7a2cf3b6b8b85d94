"""dbdump beside the engines' own tools and other programs, on data that it makes: `python -m bench`."""
