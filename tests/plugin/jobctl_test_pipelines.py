"""Job types for the tests, found by entry points like anybody's."""

import atexit
import os
import re
import signal
import sys
import time
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from jobctl import Context, Pipeline, Retry, errors
from jobctl.storage.local import LocalStorage


class Steps(BaseModel):
    model_config = ConfigDict(extra="forbid")

    items: int = 20
    slow: float = 0.0
    trail: str | None = None
    crash_at: int | None = None


steps = Pipeline("steps", args=Steps, title=lambda a: f"{a.items} items", example={"items": 3})


def leave(ctx: Context, what: str) -> None:
    """What ran, outside of any checkpoint: so that a test sees work that is done twice."""
    if ctx.args.trail:
        Path(f"{ctx.args.trail}.pid").write_text(str(os.getpid()))
        with Path(ctx.args.trail).open("a") as sink:
            sink.write(f"{what}\n")
        while held_at(ctx.args.trail, what):
            time.sleep(0.02)
        if Path(f"{ctx.args.trail}.hurry").exists():  # the test has seen what it waited for
            return
    time.sleep(ctx.args.slow)


def held_at(trail: str, what: str) -> bool:
    """Whether the test wants the job to stay here until it has done what it came for."""
    try:
        return what.startswith(Path(f"{trail}.hold").read_text())
    except FileNotFoundError:
        return False


@steps.stage(share=10)
def first(ctx: Context, args: Steps) -> list[int]:
    leave(ctx, "first")
    return list(range(args.items))


@steps.batches(share=70, size=2, noun="number")
def squares(ctx: Context, numbers: list[int]) -> list[int]:
    leave(ctx, f"squares {numbers[0]}")
    if ctx.args.crash_at in numbers:
        os.abort()
    return [n * n for n in numbers]


@steps.stage(share=10, pause_safe=False)
def total(ctx: Context, squares: list[int]) -> int:
    leave(ctx, "total")
    return sum(squares)


@steps.stage(share=10)
def last(ctx: Context, total: int) -> dict[str, int]:
    leave(ctx, "last")
    return {"total": total, "count": len(ctx.result("squares"))}


class Empty(BaseModel):
    pass


noop = Pipeline("noop", args=Empty)


@noop.stage(share=1)
def nothing(ctx: Context, args: Empty) -> None:
    return None


stamp = Pipeline("stamp", args=Empty)


@stamp.stage(share=1)
def stamping(ctx: Context, args: Empty) -> int:
    """When it started, in nanoseconds."""
    return time.time_ns()


single = Pipeline("single", args=Empty, max_running=1)


@single.stage(share=1)
def alone(ctx: Context, args: Empty) -> None:
    return None


reads = Pipeline("reads", args=Empty)


@reads.stage(share=1)
def reading(ctx: Context, args: Empty) -> int:
    for _ in range(30):
        ctx.read().documents()
        time.sleep(0.05)
    return 30


class Trouble(BaseModel):
    kind: str = "transient"
    times: int = 1
    counter: str | None = None


trouble = Pipeline("trouble", args=Trouble)


@trouble.stage(share=1)
def making(ctx: Context, args: Trouble) -> dict[str, int]:
    seen = Path(args.counter) if args.counter else None
    count = int(seen.read_text()) if seen and seen.exists() else 0
    if seen:
        seen.write_text(str(count + 1))
    if count >= args.times:
        return {"tries": count + 1}
    match args.kind:
        case "transient":
            raise errors.Transient("the service is tired", retry_in=0.0)
        case "slow down":
            raise errors.Transient("the service is tired")
        case "later":
            raise errors.Transient("come back later", retry_in=3600.0)
        case "paywall":
            raise errors.Paywall("the quota is used up")
        case "invalid":
            raise errors.Invalid("this is no book")
        case "abort":
            os.write(2, b"last words of a child\n")
            os.abort()
        case "suicide":
            os.kill(os.getpid(), signal.SIGKILL)
        case "hang":
            re.match(r"(a+)+$", "a" * 60 + "b")  # C code that holds the interpreter for years: only a kill ends this
        case "busy":
            ends = time.monotonic() + 3.0
            while time.monotonic() < ends:
                re.match(r"(a+)+$", "a" * 24 + "b")
            return {"tries": 1}
        case "hog":
            return {"tries": len(bytearray(8 << 30))}
        case "unstorable":
            return {"text": "a\x00b"}
        case "atexit":
            atexit.register(Path(args.counter).write_text, "ended by itself")
            return {"tries": 1}
        case "print":
            print("hello from the handler")
            print("and a \x1b[31mwarning\x1b[0m", file=sys.stderr)
            return {"tries": 1}
    raise RuntimeError(args.kind)


class FullStorage(LocalStorage):
    """A folder in which nothing of a job fits any more: ``full:///FOLDER``."""

    def __init__(self, where: str) -> None:
        super().__init__(where.removeprefix("full://"))

    def put(self, key: str, data: bytes) -> None:
        if key.startswith("jobs/"):
            raise errors.StorageUnavailable("the storage is full")
        super().put(key, data)


limited = Pipeline("limited", args=Trouble, retry=Retry(backoff=["2h"]))


@limited.stage(share=1)
def before(ctx: Context, args: Trouble) -> str:
    return args.kind


@limited.stage(share=1, timeout="1s", on_timeout="transient")
def waiting(ctx: Context, kind: str) -> None:
    if kind == "hang":
        re.match(r"(a+)+$", "a" * 60 + "b")
    time.sleep(60)


gathers = Pipeline("gathers", args=Empty)


@gathers.stage(share=1)
def joining(ctx: Context, args: Empty) -> dict[str, object]:
    return {str(job): value for job, value in ctx.results().items()}
