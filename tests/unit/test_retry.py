"""Which errors are worth another try: by SQLSTATE and by status code."""

from types import SimpleNamespace

import pytest

from jobctl.core.retry import INVALID_CODES, TRANSIENT_CODES, classify


def error(text="unknown", **attributes):
    made = RuntimeError(text)
    for name, value in attributes.items():
        setattr(made, name, value)
    return made


@pytest.mark.parametrize(
    ("sqlstate", "kind"),
    [("08006", "transient"), ("53300", "transient"), ("57P01", "transient"), ("40001", "transient"), ("55P03", "transient"),
     ("57014", "permanent"), ("23505", "permanent"), (40001, "permanent"), (None, "permanent")],
)  # fmt: skip
def test_a_database_error_is_transient_by_its_class(sqlstate, kind):
    assert classify(error(sqlstate=sqlstate)) == kind


@pytest.mark.parametrize(
    ("code", "kind"),
    [*((c, "transient") for c in sorted(TRANSIENT_CODES)), *((c, "invalid") for c in sorted(INVALID_CODES)),
     (402, "paywall"), (418, "permanent"), (200, "permanent"), ("503", "permanent")],
)  # fmt: skip
def test_a_status_code_decides_as_an_attribute_and_in_a_response(code, kind):
    assert classify(error(code=code)) == kind
    assert classify(error(response=SimpleNamespace(status_code=code))) == kind


def test_too_many_requests_for_want_of_quota_wait_for_a_person():
    assert classify(error("insufficient_quota", code=429)) == "paywall"
    assert classify(error("slow down", code=429)) == "transient"


def test_the_code_of_a_cause_counts_before_words():
    outer = error("invalid answer")
    outer.__cause__ = error(code=503)
    assert classify(outer) == "transient"
    outer.__cause__ = error("nothing known")
    assert classify(outer) == "invalid"


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (FileNotFoundError("x.md"), "invalid"),
        (MemoryError(), "invalid"),
        (ConnectionResetError("x"), "transient"),
        (SystemExit(3), "permanent"),
    ],
)
def test_an_exception_of_python_is_classified_by_its_type(raised, kind):
    assert classify(raised) == kind
