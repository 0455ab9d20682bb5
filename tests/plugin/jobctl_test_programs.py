"""A job type that runs programs and reads secrets."""

import sys

from pydantic import BaseModel

from jobctl import Context, Pipeline


class Shell(BaseModel):
    script: str = ""
    secret: str = ""


shell = Pipeline("shell", args=Shell)


@shell.stage(share=1)
async def running(ctx: Context, args: Shell) -> int:
    """Asynchronous, so that a worker has run one."""
    if args.secret:
        value = ctx.secret(args.secret)
        ctx.log(f"log {value}")
        ctx.progress(f"progress {value}")
        print(f"print {value}")
        ctx.run([sys.executable, "-c", f"print('program {value}')"])
        raise ValueError(f"error {value}")
    return ctx.run(["sh", "-c", args.script]) if args.script else 0
