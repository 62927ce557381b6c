# Every target makes .venv when it is missing or older than the project's own requirements.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test check format small readme site clean

demo: $(STAMP)  ## two real results on this machine, and a report of them
	$(BIN)/wavetrain run wave_rnn_copy wave_rnn_digits

test: $(STAMP)  ## everything: format, lint, types, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest -n 2

check: $(STAMP)  ## the quick part
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest -n 2 -m "not slow"

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

small: $(STAMP)  ## the committed results: the small scale of every experiment
	$(BIN)/wavetrain run all --scale small --results results

readme: $(STAMP)  ## the generated parts of the README
	$(BIN)/python docs/readme.py

site: $(STAMP)  ## the report of the committed results
	$(BIN)/wavetrain site

$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || python3 -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[test]"
	touch $@

clean:
	rm -rf $(VENV) runs site .mypy_cache .ruff_cache .pytest_cache .hypothesis
