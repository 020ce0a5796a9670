# The environment is .venv; constraints.txt pins every version, torch's to a build for the CPU.
PYTHON ?= python3
BIN := .venv/bin
MODELS ?= examples

.PHONY: demo test audit mutants bench scaling results docs clean

demo: .venv/ready
	$(BIN)/certgen examples/S4.pt -o .venv/S4.cert.json --group examples/S4.group.json --force
	@echo
	@echo "What an auditor does, with the model, the architecture and the group in hand:"
	$(BIN)/certcheck .venv/S4.cert.json --model examples/S4.pt --architecture mapped --group examples/S4.group.json

test: .venv/ready .venv/browser
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -n 2 --cov --cov-report=term-missing:skip-covered

# What is too long for the tests, each a command of its own. Nothing false may be accepted, no input may do harm.
audit: .venv/ready
	$(BIN)/python -m tests.audit.certificate_mutants --spec 8 --jobs 2 --progress
	$(BIN)/python -m tests.audit.large_certificates .venv/audit
	$(BIN)/python -m tests.audit.certificate_mutants .venv/audit/*.cert.json --sample 600 --spec 25 --jobs 2 --progress
	$(BIN)/python -m tests.audit.fuzz --seconds 600
	$(BIN)/python -m tests.audit.hostile

# An hour at first; then only what a change of certcheck or its tests can have changed.
mutants: .venv/ready
	$(BIN)/python -m tests.audit.checker_mutants

scaling: .venv/ready
	$(BIN)/python -m tests.scaling

bench: .venv/ready
	$(BIN)/python tests/bench.py $(MODELS)

# docs/results and the tables of docs/results.md, of the folders of sweeps and the folder of trained models.
results: .venv/ready
	$(BIN)/python -m tests.results $(SWEEPS) --models $(MODELS)

# Pages are tested in Chromium. CI brings it from Debian's package; where there is none these tests are skipped.
.venv/browser: .venv/ready
	test "$$CI" != true || command -v chromium || command -v chromium-browser || command -v google-chrome || \
	  { apt-get -qq update; DEBIAN_FRONTEND=noninteractive apt-get -qq install -y chromium; } || \
	  echo "Chromium cannot be installed: pages are not tested in a browser"
	touch $@

# The documentation, in site/: open site/index.html. The names silence notices that do not concern a pinned version.
docs: .venv/ready
	NO_MKDOCS_2_WARNING=1 DISABLE_MKDOCS_2_WARNING=true $(BIN)/python -m mkdocs build --strict

clean:
	rm -rf .venv build dist site *.egg-info .coverage .mypy_cache .pytest_cache .ruff_cache .hypothesis .mutants

.venv/ready: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@
