"""What is recorded of an exception, whatever it does when it is read."""

import errno

import pytest

from jobctl.core import errors, retry


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no")

    __repr__ = __str__


class NoText(Exception):
    def __str__(self) -> str:
        return 5  # noqa: PLE0307 - what some library does


class LeavesInStr(Exception):
    def __str__(self) -> str:
        raise SystemExit(3)


class BadCode(Exception):
    code = ["503"]  # noqa: RUF012 - what some library may have there


class BadResponse(Exception):
    @property
    def response(self) -> object:
        raise OSError("closed")


class BadCause(Exception):
    @property
    def __cause__(self) -> BaseException:  # type: ignore[override]
        raise ValueError("no cause")


class NoMemoryInStr(Exception):
    def __str__(self) -> str:
        raise MemoryError


HARD = [Unprintable(), NoText(), LeavesInStr(), BadCode("x"), BadResponse("x"), BadCause("x"), NoMemoryInStr(),
        GeneratorExit(), SystemExit(429), KeyboardInterrupt(), BaseException("429 Too Many Requests")]  # fmt: skip


@pytest.mark.parametrize("error", HARD, ids=lambda error: type(error).__name__)
def test_every_exception_is_recorded_as_a_permanent_failure(error):
    problem = retry.failure(error)
    assert problem.kind == ("invalid" if isinstance(error, NoMemoryInStr) else "permanent")
    assert problem.message
    for text in (problem.message, problem.raw, problem.trace):
        assert "\x00" not in text
        text.encode()


@pytest.mark.parametrize("delay", [float("nan"), float("inf"), -1.0, 1e300, "soon", None])
def test_a_delay_that_makes_no_sense_is_no_delay(delay):
    assert retry.failure(errors.Transient("x", retry_in=delay)).retry_in is None
    assert retry.failure(errors.Transient("x", retry_in=3)).retry_in == 3.0


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(), MemoryError("unable to allocate 3 GiB"), OSError(errno.ENOMEM, "Cannot allocate memory"),
        RuntimeError("can't start new thread"), ImportError("x.so: failed to map segment from shared object"),
    ],
)  # fmt: skip
def test_a_lack_of_memory_is_named_as_such(error):
    for raised in (error, _caused_by(error)):
        problem = retry.failure(raised)
        assert problem.kind == "invalid"
        assert "more memory than its process may use" in problem.message


def _caused_by(error: BaseException) -> BaseException:
    outer = RuntimeError("loading failed")
    outer.__cause__ = error
    return outer


@pytest.mark.parametrize("words", ["MemoryError", "terminate called after throwing an instance of 'std::bad_alloc'",
                                   "fatal: Out of memory, malloc failed", "OSError: [Errno 12] Cannot allocate memory"])  # fmt: skip
def test_the_last_lines_of_a_process_show_a_lack_of_memory(words):
    assert retry.names_memory(f"Traceback …\n{words}\n")
    assert not retry.names_memory("RuntimeError: the memory of an elephant")


def test_text_that_cannot_be_decoded_is_bad_input_and_text_that_cannot_be_encoded_is_not():
    assert retry.classify(UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")) == "invalid"
    assert retry.classify(UnicodeEncodeError("utf-8", "\ud800", 0, 1, "invalid surrogate")) == "permanent"


def test_a_long_text_costs_no_more_than_what_is_kept():
    problem = retry.failure(ValueError("x" * 10_000_000 + " invalid"))
    assert problem.kind == "permanent"
    assert len(problem.raw) <= retry.RAW_CAP
