from jobctl.client import Client as Client
from jobctl.client import Options as Options
from jobctl.client import Waited as Waited
from jobctl.core import errors as errors
from jobctl.core.filters import Filters as Filters
from jobctl.core.job import ControlResult as ControlResult
from jobctl.core.job import Job as Job
from jobctl.core.job import Progress as Progress
from jobctl.core.job import Submitted as Submitted
from jobctl.core.lifecycle import ControlOutcome as ControlOutcome
from jobctl.core.lifecycle import Status as Status
from jobctl.core.notifications import verify_notification as verify_notification
from jobctl.core.pipeline import Pipeline as Pipeline
from jobctl.core.ports import Context as Context
from jobctl.core.retry_policy import Retry as Retry
from jobctl.core.watching import Deleted as Deleted
from jobctl.core.watching import Noted as Noted
from jobctl.core.watching import Progressed as Progressed
from jobctl.core.watching import StatusChanged as StatusChanged
from jobctl.core.watching import WatchEvent as WatchEvent
from jobctl.wiring.application import connect as connect

__version__: str
