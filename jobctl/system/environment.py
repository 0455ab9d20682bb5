"""The environment variables of this process."""

import os

variables = os.environ
