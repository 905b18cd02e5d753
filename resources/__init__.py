"""What the assets reach outside through: settings, lake, catalog, DuckDB, vectors, locks."""
