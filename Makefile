# make check is what CI runs; the rest is for people.
.PHONY: check test test-slow bench completions

check:
	.ci/check

test:
	.venv/bin/python -m pytest

test-slow:
	.venv/bin/python -m pytest -m slow

bench:
	.venv/bin/python tests/bench/extraction_quality.py
	.venv/bin/python tests/bench/pipeline.py
	.venv/bin/python tests/bench/throughput.py
	.venv/bin/python tests/bench/coldstart.py

completions:
	.venv/bin/jobctl completion bash > completions/jobctl.bash
	.venv/bin/jobctl completion zsh > completions/_jobctl
	.venv/bin/jobctl completion fish > completions/jobctl.fish
