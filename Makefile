# make check is what CI runs; the rest is for people.
.PHONY: check test test-slow test-hostile test-servers test-slurm coverage nightly bench completions constraints

check:
	.ci/check

test:
	.venv/bin/python -m pytest -n 2 --dist worksteal

test-slow:
	.venv/bin/python -m pytest -m slow

# five times as an ordinary user, without HOME, on a path with a space, in random order, beside busy loops
test-hostile:
	.ci/hostile

# every branch of jobctl/core, by tests/unit alone; then statements and branches of all of jobctl, by the suite
coverage:
	.venv/bin/python -m pytest tests/unit --cov=jobctl/core --cov-branch --cov-fail-under=100
	.ci/coverage

# the suites of the queue and of the worker on Postgres 15, and through PgBouncer in transaction mode; skipped loudly where they are not installed
test-servers:
	JOBCTL_TEST_SERVER=15 .venv/bin/python -m pytest -rs tests/postgres tests/migrations tests/flow/test_worker.py tests/flow/test_control.py
	JOBCTL_TEST_SERVER=pgbouncer .venv/bin/python -m pytest -rs tests/postgres tests/flow/test_worker.py tests/flow/test_control.py
	.venv/bin/python -m pytest -rs -m "slow or not slow" tests/flow/test_servers.py

# docs/deploy/slurm.sh on a cluster of this machine; as root, skipped loudly without slurmctld, slurmd and munge
test-slurm:
	.venv/bin/python -m pytest -rs -m slow tests/install/test_slurm.py

nightly:
	JOBCTL_PROFILE=nightly .venv/bin/python -m pytest -m "not bench" tests/postgres tests/flow tests/install
	.venv/bin/jobctl torture --seconds 1h --workers 6 --rate 4

bench:
	.venv/bin/python tests/bench/extraction_quality.py
	.venv/bin/python tests/bench/pipeline.py
	.venv/bin/python tests/bench/highlights.py
	.venv/bin/python tests/bench/retrieval.py
	.venv/bin/python tests/bench/job_types.py
	.venv/bin/python tests/bench/throughput.py
	.venv/bin/python tests/bench/coldstart.py
	.venv/bin/python tests/bench/watch.py
	.venv/bin/python tests/bench/statements.py

completions:
	.venv/bin/jobctl completion bash > completions/jobctl.bash
	.venv/bin/jobctl completion zsh > completions/_jobctl
	.venv/bin/jobctl completion fish > completions/jobctl.fish
	.venv/bin/jobctl completion man > docs/jobctl.1

# every development dependency with its hashes; needs uv (pipx install uv)
constraints:
	uv pip compile pyproject.toml --extra dev --extra documents --universal --python-version 3.11 --generate-hashes --no-strip-extras \
		--no-header --no-annotate -q -o constraints.txt
