from jobctl.core import errors as errors
from jobctl.core.job import Job as Job
from jobctl.core.job import Progress as Progress
from jobctl.core.pipeline import Pipeline as Pipeline
from jobctl.core.ports import Context as Context

__version__: str
