"""Job types whose handlers do what no handler should: to the channel, with results, with exceptions, with output."""

import gc
import logging
import os
import struct
import sys
import time
from multiprocessing import get_context
from typing import Any

import msgspec
from pydantic import BaseModel

from jobctl import Context, Pipeline, errors
from jobctl.worker.channel import Channel

CHUNK = b"\xff" * (1 << 20)


class Kind(BaseModel):
    kind: str
    size: int = 0


hostile = Pipeline("hostile", args=Kind)


def _frame(message: Any) -> bytes:
    body = message if isinstance(message, bytes) else msgspec.msgpack.encode(message)
    return struct.pack(">I", len(body)) + body


def _endless(descriptor: int) -> None:
    for _ in range(400):
        os.write(descriptor, CHUNK)


@hostile.stage(share=1)
def attacking(ctx: Context, args: Kind) -> int:
    channel = next(found for found in gc.get_objects() if isinstance(found, Channel))
    token = {"job_id": ctx.job_id, "lease_seq": ctx.attempt, "lease_id": "x"}
    sent = {
        "text": b"this is no json\n",
        "no message": _frame({"say": "outcome"}),
        "no fields": _frame(["ended", ctx.job_id, {}]),
        "no reason": _frame(["ended", ctx.job_id, {"token": token, "kind": "failed"}]),
        "another's token": _frame(["ended", ctx.job_id, {"token": token, "kind": "completed"}]),
        "unknown job": _frame(["log", 4711, [["info", None, "x"]]]),
        "returned": _frame(["returned", [ctx.job_id, ctx.job_id]]),
        "deep": _frame(b"\x92\xa5ended\x81\xa1x" + b"\x91" * 100_000 + b"\xc0"),
        "no utf-8": _frame(b"\x93\xa3log\x01\x91\x93\xa1\xff\xc0\xa1x"),
        "nul": _frame(["log", ctx.job_id, [["info", None, "a\x00b"]]]),
        "progress": _frame(["progress", ctx.job_id, {"details": "x" * 100_000}]),
        "cut off": _frame(["up"])[:-1] + _frame(["up"]),
    }
    if args.kind == "endless":
        _endless(channel.fileno())
    elif args.kind == "claims a length":
        os.write(channel.fileno(), b"\x00\x0f\xff\xff")
        _endless(channel.fileno())
    else:
        os.write(channel.fileno(), sent[args.kind])
    ctx.progress("still here")
    while True:  # only the supervisor can end this
        os.read(os.pipe()[0], 1)


returns = Pipeline("returns", args=Kind)


def _nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


@returns.stage(share=1)
def returning(_: Context, args: Kind) -> Any:
    circle: list[Any] = []
    circle.append(circle)
    values: dict[str, Any] = {
        "none": lambda: None,
        "text": lambda: {"text": "x" * args.size},
        "bytes": lambda: {"raw": bytes(range(256)) * args.size},
        "surrogate": lambda: {"pages": ["fine", "half \ud800 pair"]},
        "surrogate key": lambda: {"pages": {"\udfff": 1}},
        "nan": lambda: {"scores": [1.0, float("nan")]},
        "infinity": lambda: {"scores": [1.0, float("-inf")]},
        "nul": lambda: {"text": ["a", "b\x00c"]},
        "nul in a large one": lambda: {"text": ["a" * 100_000, "b\x00c"]},
        "key": lambda: {"counts": {1: "one"}},
        "deep": lambda: _nested(50_000),
        "circle": lambda: circle,
        "set": lambda: {"found": {1, 2}},
        "long number": lambda: {"number": 10**5000},
        "reserved": lambda: {"$base64": "AAAA"},
        "as deep as it may be": lambda: _nested(99),
    }
    return values[args.kind]()


class Unreadable(Exception):
    def __str__(self) -> str:
        raise ValueError("no text")

    __repr__ = __str__


class Elsewhere(BaseException):
    pass


class Properties(Exception):
    @property
    def sqlstate(self) -> str:
        raise KeyError("sqlstate")


class Later(errors.Transient):
    def __init__(self) -> None:
        super().__init__("later")
        self.retry_in = float("nan")


raises = Pipeline("raises", args=Kind)


@raises.stage(share=1)
def raising(_: Context, args: Kind) -> None:
    raise {
        "unreadable": Unreadable(),
        "base": Elsewhere("from elsewhere"),
        "generator": GeneratorExit("generator"),
        "exit": SystemExit(402),
        "interrupt": KeyboardInterrupt(),
        "properties": Properties("503"),
        "later": Later(),
        "surrogate": UnicodeEncodeError("utf-8", "a\ud800", 1, 2, "surrogates not allowed"),
        "memory": MemoryError(),
        "allocate": OSError(12, "Cannot allocate memory"),
        "long": ValueError("x" * 50_000_000),
    }[args.kind]


talks = Pipeline("talks", args=Kind)


def _in_another_process(number: int) -> None:
    print(f"from process {number}")


@talks.stage(share=1)
def talking(ctx: Context, args: Kind) -> int:
    match args.kind:
        case "print":
            for number in range(args.size):
                print("line", number)
        case "log":
            for number in range(args.size):
                ctx.log(f"line {number}")
        case "logging":
            for number in range(args.size):
                logging.getLogger("handler").warning("line %d", number)
        case "characters":
            for character in "line 0\n" * args.size:
                sys.stderr.write(character)
        case "progress":
            for number in range(args.size):
                ctx.progress(f"line {number}", current=number, total=args.size)
        case "processes":
            pool = get_context("fork").Pool(4)
            pool.map(_in_another_process, range(args.size))
            pool.close()
            pool.join()
        case "silence":
            print("first")
            print("second")
            while True:
                ctx.check_interrupt()
                time.sleep(0.02)
        case "bare":
            for number in range(args.size):
                os.getpid()
                f"line {number}".encode()
    return args.size
