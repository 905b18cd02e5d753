"""What the assets reach outside through: settings, lake, catalog, DuckDB, vectors, locks."""

import os

# Arrow's own allocator keeps most of what a step once needed for as long as the process lives.
# The choice is made when pyarrow is first imported.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
