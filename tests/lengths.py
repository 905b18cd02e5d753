"""How far tests go: a short form of each in every run, and the full one where it is asked for."""

import os

FULL = os.environ.get("KG_TEST_FAULTS") == "full"
"""Whether they go to their full length, as `make test-faults` does."""

SEED = int(os.environ.get("KG_TEST_SEED", "20261123"))
"""Of random choices that are printed, so that they can be had again."""
