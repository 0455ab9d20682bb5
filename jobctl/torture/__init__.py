"""``jobctl torture``: real workers on a real server, faults injected at random, and a checker of the history.

``workload`` is the job type, ``fleet`` the worker processes, ``faults`` what is injected, ``run`` drives it all, and
``history`` checks the result.
"""

from jobctl.torture.history import History, Verdict, check
from jobctl.torture.run import Report, TortureConfig, torture

__all__ = ["History", "Report", "TortureConfig", "Verdict", "check", "torture"]
