"""What a DuckDB task is made of: a locked session, statements with our paths, rows as outputs."""
