"""What a database is: types, schema and its text, names, order; and what sources and targets promise each other."""
