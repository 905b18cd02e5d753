"""Many machines: who executes runs there, and a cluster on one machine from packages."""
