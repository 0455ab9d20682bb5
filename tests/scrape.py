"""Reads what a worker, or ``jobctl metrics --serve``, serves over HTTP."""

import re
import subprocess
import urllib.error
import urllib.request


def page(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def values(text: str) -> dict[str, float]:
    lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


def address(process: subprocess.Popen[str]) -> str:
    """The URL in the first line that it prints."""
    return re.search(r"http://127.0.0.1:\d+", process.stderr.readline()).group()
