"""From records to entities with lasting ids."""
