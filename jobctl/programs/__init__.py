"""Programs as the work of a job: started in a group of their own, their output a log, their state a checkpoint."""

from jobctl.core.exit_class import ExitClass
from jobctl.programs.environment import MissingVariable, program_environment
from jobctl.programs.exits import Exit
from jobctl.programs.files import StoredFile
from jobctl.programs.process import Launch, Program, execute
from jobctl.programs.stage import Task, run_in_stage
from jobctl.programs.workspace import Workspace

__all__ = [
    "Exit",
    "ExitClass",
    "Launch",
    "MissingVariable",
    "Program",
    "StoredFile",
    "Task",
    "Workspace",
    "execute",
    "program_environment",
    "run_in_stage",
]
