"""command: any program as a job. Off unless the worker's owner allows it: who may submit runs programs there."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from jobctl.core.masking import mask_arguments, mask_text
from jobctl.core.names import COMMAND_TYPE
from jobctl.core.pipeline import Pipeline
from jobctl.core.ports import Context
from jobctl.programs import ExitClass, Launch, StoredFile, Task, Workspace, program_environment, run_in_stage
from jobctl.programs.environment import settable
from jobctl.programs.files import collect, relative
from jobctl.system.environment import variables

TITLE_LENGTH = 80
SHELL = ("/bin/sh", "-c")
STATE_PREFIX = "$JOBCTL_STATE_DIR/"
"""Before an output pattern: the file is in the state folder."""


def _pattern(text: str) -> str:
    relative(text.removeprefix(STATE_PREFIX))
    return text


Name = Annotated[str, AfterValidator(relative)]
Variable = Annotated[str, AfterValidator(settable)]


class Command(BaseModel):
    """Input of command."""

    model_config = ConfigDict(extra="forbid")

    argv: list[str] = Field(min_length=1, description="The program and its arguments")
    shell: bool = Field(False, description="Run argv, joined by spaces, by /bin/sh")
    chdir: str | None = Field(None, description="Working folder; by default one of the job's own")
    environment: dict[Variable, str] = Field({}, description="Variables to set")
    pass_environment: list[Variable] = Field([], description="Variables to take from the worker's environment")
    inputs: dict[Name, str] = Field({}, description="Files to place in the job's folder, by their name there")
    outputs: list[Annotated[str, AfterValidator(_pattern)]] = Field([], description="Patterns of files to keep")
    memory_mb: int | None = Field(None, ge=1, le=1 << 24, description="Address space of each of its processes")
    exit_codes: dict[Annotated[int, Field(ge=0, le=255)], ExitClass] = Field({}, description="Class of an exit code")


@dataclass(frozen=True, slots=True)
class Ran:
    """What the job returns."""

    exit_code: int
    files: list[StoredFile]


def _title(args: Command) -> str:
    text = mask_text(" ".join(args.argv)) if args.shell else shlex.join(mask_arguments(args.argv))
    line = " ".join(text.split())
    return line if len(line) <= TITLE_LENGTH else f"{line[: TITLE_LENGTH - 1]}…"


pipeline = Pipeline(
    COMMAND_TYPE,
    label="Command",
    args=Command,
    help="Run any program, as in: jobctl submit -- ffmpeg -i in.mov out.mp4.",
    title=_title,
    input_files=["inputs"],
    example={"argv": ["ffmpeg", "-i", "in.mov", "out.mp4"], "outputs": ["out.mp4"]},
    allowed_by="allow_commands",
)


@pipeline.stage(share=100, verb="Running")
def running(ctx: Context, args: Command) -> Ran:
    """Runs the program with its inputs in place, and keeps what it was asked to keep."""
    with Workspace(ctx, COMMAND_TYPE) as workspace:
        for name, path in args.inputs.items():
            workspace.take_in(ctx, name, path)
        end = run_in_stage(ctx, _task(ctx, args, workspace), workspace)
        return Ran(end.code, _outputs(ctx, args, workspace))


def _task(ctx: Context, args: Command, workspace: Workspace) -> Task:
    environment = program_environment(
        variables, named=args.pass_environment, values={**args.environment, **workspace.variables},
        always=ctx.settings.get("child_environment", ()),
    )  # fmt: skip
    argv = [*SHELL, " ".join(args.argv)] if args.shell else args.argv
    cwd = ctx.allowed(args.chdir) if args.chdir else workspace.folder
    memory = args.memory_mb << 20 if args.memory_mb else None
    return Task(Launch(argv, cwd, environment, memory), args.exit_codes)


def _outputs(ctx: Context, args: Command, workspace: Workspace) -> list[StoredFile]:
    cwd = ctx.allowed(args.chdir) if args.chdir else workspace.folder
    saved = [text.removeprefix(STATE_PREFIX) for text in args.outputs if text.startswith(STATE_PREFIX)]
    others = [text for text in args.outputs if not text.startswith(STATE_PREFIX)]
    return collect(ctx, cwd, others) + collect(ctx, workspace.state.path, saved)
