"""Reports on match models: what is counted, how it is drawn, and the step that writes them."""
