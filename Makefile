# Every target makes .venv when it is missing or older than the project's own requirements.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
RUNS := $(VENV)/.installed
TESTS := $(VENV)/.tested
DOCS := $(VENV)/.documented
LOWEST := .venv-lowest
PEERS := .venv-peers
SPIKING := .venv-peers-spiking
JAX := .venv-peers-jax
INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e

.PHONY: demo test check check-memory coverage test-lowest bench-own-data bench-spiking bench-jax docs format stubs small confirm readme site slow mutants release clean

demo: $(RUNS)  ## two real results on this machine, and a report of them
	$(BIN)/wavetrain run wave_rnn_copy wave_rnn_digits

test: $(TESTS)  ## everything: format, lint, types, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest -n 2 --dist worksteal

check: $(TESTS)  ## the quick part, in a minute on two cores
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	HYPOTHESIS_PROFILE=quick $(BIN)/pytest -n 2 --dist worksteal -m "not slow"

slow: $(TESTS)  ## which tests `make check` leaves out; on two idle cores
	HYPOTHESIS_PROFILE=quick $(BIN)/pytest -n 2 --dist worksteal --junitxml=$(VENV)/times.xml
	$(BIN)/python -m tests.slow $(VENV)/times.xml

check-memory: $(TESTS)  ## kernels with their bounds checked, in memory that holds no number; compiled anew, beside the others
	NUMBA_BOUNDSCHECK=1 NUMBA_CACHE_DIR=$(CURDIR)/$(VENV)/checked $(BIN)/pytest tests/scan/cpu/test_memory.py

COVERED := HYPOTHESIS_PROFILE=quick $(BIN)/pytest -n 2 --dist worksteal --cov --cov-report=

# Not over all tests: measured so, they would take an hour.
coverage: $(TESTS)  ## what the quick tests, the contract and small runs of all experiments reach, for "What the tests reach"
	$(COVERED) -m "not slow"
	$(COVERED) --cov-append -m slow tests/test_contract*.py tests/test_experiments.py
	$(BIN)/coverage json -q -o .coverage.json
	$(BIN)/python docs/covered.py .coverage.json --tests "the quick tests, the contract and small runs of all experiments"

# torch's own lower bound is not tried by this: lowest.txt pins the torch of constraints.txt, as an older one brings
# gigabytes of other packages. Old releases warn about newer ones that they bring, so deprecations are no errors here; and
# lm-eval brings a pyarrow that wants NumPy 2, so its test is left out.
test-lowest: $(LOWEST)/.installed  ## the quick tests with every dependency but torch at its lower bound, in .venv-lowest
	HYPOTHESIS_PROFILE=quick $(LOWEST)/bin/pytest -n 2 --dist worksteal -m "not slow" -W ignore::DeprecationWarning \
		--ignore tests/formats/test_harness.py

# The peers have an environment of their own, as aeon wants an older numba than ours.
bench-own-data: $(TESTS) $(PEERS)/.installed  ## own_data.py: forecasts and classes beside darts, aeon and sktime; under an hour
	$(BIN)/python benchmarks/own_data.py
	$(BIN)/python benchmarks/own_data.py --limits

# In an environment of their own too: brian2 wants an older numpy than ours.
bench-spiking: $(TESTS) $(SPIKING)/.installed  ## layers and sheets of spikes beside snntorch, norse, spikingjelly and brian2, for the record
	$(BIN)/python benchmarks/record.py spiking delay_sheet

bench-jax: $(TESTS) $(JAX)/.installed  ## recurrences beside JAX's scans, for the record
	$(BIN)/python benchmarks/record.py beside_jax

mutants: $(TESTS)  ## what the tests see of 200 small planted faults: an hour; stopped, it goes on
	$(INSTALL) ".[test,mutants]"
	$(BIN)/python -m tests.mutants --workers 2

format: $(TESTS)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

stubs: $(RUNS)  ## what type checkers and editors see of each kind, after a member has come, gone or moved
	$(BIN)/python -m wavetrain.stubs

small: $(RUNS)  ## the committed results: the small scale of every experiment
	$(BIN)/wavetrain run all --scale small --results results

confirm: $(RUNS)  ## do the committed results hold for the code of today? at most ten minutes on two cores
	$(BIN)/wavetrain run --confirm --results results

readme: $(RUNS)  ## the generated parts of the README
	$(BIN)/python docs/readme.py

site: $(RUNS)  ## the report of the committed results
	$(BIN)/wavetrain site

docs: $(DOCS)  ## the documentation with the tour run and the results in it; warnings and broken links are errors
	$(BIN)/python -m sphinx -q -W --keep-going -j 2 docs docs/_build/html
	$(BIN)/python docs/links.py docs/_build/html

$(RUNS): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || python3 -m venv $(VENV)
	$(INSTALL) .
	touch $@

$(TESTS): $(RUNS)
	$(INSTALL) ".[test]"
	touch $@

$(DOCS): $(RUNS)
	$(INSTALL) ".[docs]"
	touch $@

$(LOWEST)/.installed: pyproject.toml lowest.txt
	test -x $(LOWEST)/bin/python || $(PYTHON) -m venv $(LOWEST) || python3 -m venv $(LOWEST)
	$(LOWEST)/bin/pip install --quiet --disable-pip-version-check -c lowest.txt -e ".[test]"
	touch $@

$(PEERS)/.installed: benchmarks/own_data_requirements.txt
	test -x $(PEERS)/bin/python || $(PYTHON) -m venv $(PEERS) || python3 -m venv $(PEERS)
	$(PEERS)/bin/pip install --quiet --disable-pip-version-check -r benchmarks/own_data_requirements.txt
	touch $@

$(SPIKING)/.installed: benchmarks/spiking_requirements.txt
	test -x $(SPIKING)/bin/python || $(PYTHON) -m venv $(SPIKING) || python3 -m venv $(SPIKING)
	$(SPIKING)/bin/pip install --quiet --disable-pip-version-check -r benchmarks/spiking_requirements.txt
	touch $@

$(JAX)/.installed: benchmarks/jax_requirements.txt
	test -x $(JAX)/bin/python || $(PYTHON) -m venv $(JAX) || python3 -m venv $(JAX)
	$(JAX)/bin/pip install --quiet --disable-pip-version-check -r benchmarks/jax_requirements.txt
	touch $@

release: $(RUNS)  ## dist/ with the packages of a version, and its notes: make release VERSION=0.1.0
	rm -rf dist && mkdir dist
	$(BIN)/python docs/release.py $(VERSION) > dist/NOTES.md
	$(INSTALL) ".[release]"
	$(BIN)/python -m build --outdir dist

clean:
	rm -rf $(VENV) $(LOWEST) $(PEERS) $(SPIKING) dist runs site docs/_build docs/generated .coverage* .mypy_cache .ruff_cache .pytest_cache .hypothesis
