"""From the landing zone's blobs to canonical records."""
