"""Job types that start programs, show their rights, and read what they are not meant to."""

import concurrent.futures
import multiprocessing
import os
import re
import subprocess
import sys
import time
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from jobctl import Context, Pipeline

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(3600)"
DAEMON = "import os, time; os.fork() and os._exit(0); os.setsid(); os.fork() and os._exit(0); time.sleep(3600)"
NESTED = "import subprocess; subprocess.run(['sleep', '3600'], start_new_session=True)"


class Programs(BaseModel):
    model_config = ConfigDict(extra="forbid")

    then: str = "return"
    pid: str


programs = Pipeline("programs", args=Programs)


@programs.stage(share=1)
def starting(ctx: Context, args: Programs) -> str:
    """Leaves programs behind, in every way that a parent can lose sight of them; all have the job's file in their name."""
    name = f"left-by-{args.pid}"
    for code in (STUBBORN, DAEMON, NESTED):
        subprocess.Popen([sys.executable, "-c", code, name])
    subprocess.Popen([sys.executable, "-c", STUBBORN, name], start_new_session=True)
    if os.fork() == 0:  # a fork of the handler itself, which has its connections
        os.execv(sys.executable, [sys.executable, "-c", STUBBORN, name])
    time.sleep(0.2)
    Path(args.pid).write_text(str(os.getpid()))
    match args.then:
        case "raise":
            raise ValueError("not this time")
        case "abort":
            os.abort()
        case "hang":
            re.match(r"(a+)+$", "a" * 60 + "b")  # C code that holds the interpreter
        case "sleep":
            time.sleep(3600)
        case "wait":
            while True:
                ctx.checkpoint()
                time.sleep(0.02)
    return "left"


class Nothing(BaseModel):
    pass


rights = Pipeline("rights", args=Nothing)


@rights.stage(share=1)
def showing(ctx: Context, args: Nothing) -> dict:
    """What this process may do, what a program that it starts inherits, and what both know."""
    program = subprocess.run(["cat", "/proc/self/status"], capture_output=True, check=True)
    return {
        "child": _fields(Path("/proc/self/status").read_text()),
        "program": _fields(program.stdout.decode("utf-8", "replace")),
        "ended": _terminated(), "pool": _pooled(), "executor": _executed(), "groups": os.getgroups(),
        "environment": dict(os.environ), "settings": dict(ctx.settings),
    }  # fmt: skip


def _fields(status: str) -> dict[str, str]:
    wanted = ("Uid", "Gid", "CapEff", "CapPrm", "CapInh", "CapBnd", "CapAmb", "NoNewPrivs", "SigIgn", "SigBlk")
    pairs = (line.partition(":") for line in status.splitlines())
    return {name: value.strip() for name, _, value in pairs if name in wanted}


def _terminated() -> int:
    program = subprocess.Popen(["sleep", "3600"])
    program.terminate()
    return program.wait(30)


def _square(number: int) -> int:
    print("a worker of a pool prints")
    return number * number


def _pooled() -> list[int]:
    for _ in range(30):  # a signal that comes while a worker is forked must not be lost
        with multiprocessing.get_context("fork").Pool(2) as pool:
            found = pool.map(_square, range(3))
    return found


def _executed() -> list[int]:
    context = multiprocessing.get_context("fork")
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
        return list(pool.map(_square, range(3)))


token = Pipeline("token", args=Nothing, environment=["JOBTOKEN_*"])


@token.stage(share=1)
def using(ctx: Context, args: Nothing) -> dict:
    return {
        "mine": {name: value for name, value in os.environ.items() if name.startswith("JOBTOKEN_")},
        "others": os.environ.get("OPENAI_API_KEY"),
    }  # fmt: skip


class Reading(BaseModel):
    path: str
    write: str | None = None


reading = Pipeline("reading", args=Reading)


@reading.stage(share=1)
def read(ctx: Context, args: Reading) -> dict:
    """An input that was not taken in at submit: read where it is."""
    if args.write:
        Path(args.write).write_text("written by a job")
    path = ctx.open(args.path)
    names = sorted(entry.name for entry in path.iterdir()) if path.is_dir() else path.read_text()
    return {"name": path.name, "found": names}
