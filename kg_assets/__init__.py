"""The asset graph: sources, matching, inference, graph, and the command kg."""
