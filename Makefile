# What a person or a CI calls; everything else is the command kg.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TEST_PROCESSES ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
STAMP := $(VENV)/.installed

.PHONY: demo ui cluster check lint types test test-faults lock clean
.PHONY: bench bench-cluster bench-extraction bench-limits bench-llm bench-matching bench-retrieval bench-scoring bench-updates

demo: $(STAMP)
	$(BIN)/kg demo

# Tests start hundreds of processes; without bytecode each would compile all modules anew. Some of
# them wait for servers, so there is one process more than there are processors.
test: $(STAMP)
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder

# Kills, full disks, damage, races and random histories of updates at full length; make test has a
# short form of each.
test-faults: $(STAMP)
	KG_TEST_FAULTS=full $(BIN)/python -m pytest -n 0 -s tests/faults tests/matching/test_update_histories.py \
		tests/flow/test_histories.py

ui: $(STAMP)
	$(BIN)/kg ui

# Broker, Postgres, two workers, daemon and webserver, all on loopback.
cluster: $(STAMP)
	$(BIN)/kg cluster up $(ARGS)

check: lint types test

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

bench: $(STAMP)
	$(BIN)/python -m benchmarks.door
	$(BIN)/python -m benchmarks.people
	$(BIN)/python -m benchmarks.thresholds
	$(BIN)/python -m benchmarks.stories

# Needs Text2KGBench's movies in KG_TEXT2KG_DIR. ARGS="--errors 50": print errors to read.
bench-extraction: $(STAMP)
	$(BIN)/python -m benchmarks.extraction $(ARGS)

# ARGS=--full: two million records instead of 200,000.
bench-updates: $(STAMP)
	$(BIN)/python -m benchmarks.updates $(ARGS)

# ARGS=--full: a million records and 100 million pairs.
bench-scoring: $(STAMP)
	$(BIN)/python -m benchmarks.scoring $(ARGS)

bench-matching: $(STAMP)
	$(BIN)/python -m benchmarks.matching

# What the lane of the language model adds to each request, on loopback.
bench-llm: $(STAMP)
	$(BIN)/python -m benchmarks.llm_lane $(ARGS)

# Planning, the sensor, kg status and the UI with 1,000 deliveries and 1,024 shards of films.
# ARGS=--pages: the pages of the UI in Chromium, from the webserver.
bench-limits: $(STAMP)
	$(BIN)/python -m benchmarks.limits $(ARGS)

# 32 shards of 20 s of work each, on one and on two workers. ARGS="--shards 8 --seconds 4" is quicker.
bench-cluster: $(STAMP)
	$(BIN)/python -m benchmarks.cluster $(ARGS)

bench-retrieval: $(STAMP)
	$(BIN)/python -m benchmarks.retrieval

# Versions and hashes of everything, for all platforms, without download addresses.
lock: $(STAMP)
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --extra demo --extra cluster --extra dev pyproject.toml -o requirements.txt

$(STAMP): requirements.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $(STAMP)

clean:
	rm -rf $(VENV) .kg
