"""The use cases: what people, cron and Python callers do with jobs. The command line is its first customer."""

from jobctl.client.explain import explain
from jobctl.client.facade import Client
from jobctl.client.operations import Swept
from jobctl.client.results import Verified
from jobctl.client.retention import Pruned
from jobctl.client.submission import Options, file_digest, new_job, readable_file
from jobctl.client.waiting import Waited

__all__ = [
    "Client",
    "Options",
    "Pruned",
    "Swept",
    "Verified",
    "Waited",
    "explain",
    "file_digest",
    "new_job",
    "readable_file",
]
