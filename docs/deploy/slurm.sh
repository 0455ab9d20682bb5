#!/bin/bash
# A Slurm array whose tasks work off a queue: each is a worker that ends when nothing is left to do.
#
#   jobctl submit … (as many jobs as wanted)
#   sbatch docs/deploy/slurm.sh
#
# `scancel JOB_TASK`, a preemption and the time limit all send SIGTERM. The worker releases its jobs at their next safe
# point, and charges nobody; another task, or the next array, takes them up from their checkpoints.
#
#SBATCH --job-name=jobctl
#SBATCH --array=0-3
#SBATCH --cpus-per-task=2
#SBATCH --time=04:00:00
#SBATCH --output=jobctl-%A_%a.log
#SBATCH --open-mode=append
#SBATCH --requeue
# SIGTERM 60 s before the time limit, to this process: longer than the grace below.
#SBATCH --signal=B:TERM@60
set -eu

# Both have to be the same on all nodes: a database that they reach, and a shared folder or a bucket.
: "${JOBCTL_DATABASE_URL:?the database of the queue}"
: "${JOBCTL_STORAGE:?a folder that all nodes share, or s3://bucket/prefix}"
# Slurm's own temporary folder of a job is the node's; jobctl's home holds nothing that another node needs.
export JOBCTL_HOME="${JOBCTL_HOME:-${TMPDIR:-/tmp}/jobctl-$(id -u)}"

# The grace is shorter than Slurm's KillWait (30 s by default; `scontrol show config`), after which it sends SIGKILL.
# exec: Slurm's signals reach the worker itself. More options may follow: `sbatch slurm.sh --queue night --once`.
exec jobctl worker run --drain --concurrency "${SLURM_CPUS_PER_TASK:-1}" --grace 20s \
  --name "slurm-${SLURM_ARRAY_JOB_ID:-$SLURM_JOB_ID}-${SLURM_ARRAY_TASK_ID:-0}" "$@"
