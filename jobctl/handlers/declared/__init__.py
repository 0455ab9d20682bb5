"""Job types that are declared in a file: stages are programs, inputs are fields with types."""

from jobctl.handlers.declared.build import build
from jobctl.handlers.declared.definition import Definition

__all__ = ["Definition", "build"]
