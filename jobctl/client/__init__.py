"""The use cases: what people, cron and Python callers do with jobs. The command line is its first customer."""

from jobctl.client.explain import explain
from jobctl.client.facade import Client
from jobctl.client.input_files import open_regular
from jobctl.client.new_jobs import Options, new_job
from jobctl.client.operations import Swept
from jobctl.client.results import Verified
from jobctl.client.retention import Pruned
from jobctl.client.waiting import FROZEN, Waited

__all__ = [
    "FROZEN",
    "Client",
    "Options",
    "Pruned",
    "Swept",
    "Verified",
    "Waited",
    "explain",
    "new_job",
    "open_regular",
]
