"""The asset graph: sources, matching, inference, graph, and the command kg."""

import resources  # noqa: F401 - it has to be imported before pyarrow is
