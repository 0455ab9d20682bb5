"""``jobctl torture``: real workers on a real server, everything killed at random, and a checker of the history.

``workload`` is the job type, ``faults`` what is done to the processes, ``run`` the hour of it, ``history`` the judge.
"""

from jobctl.torture.history import Seen, Verdict, judge
from jobctl.torture.run import Plan, Report, torture

__all__ = ["Plan", "Report", "Seen", "Verdict", "judge", "torture"]
