"""``stats --html``: the figures of ``stats -o json`` as one page."""

import json

import pytest
from selectolax.lexbor import LexborHTMLParser

from jobctl.core.attempt import Failure, Outcome, Record
from jobctl.core.job import NewJob
from jobctl.core.lifecycle import Ending


@pytest.fixture
def figures(queue, claim):
    """Jobs in several statuses, one with two stages, one that failed."""
    queue.submit([NewJob("a", {}), NewJob("a", {}), NewJob("b", {}), NewJob("b", {}, queue="<later>")])
    one, two, three = claim(3)
    for number, stage in enumerate(("first", "second"), 1):
        queue.commit_stage(one.token, Record(number, stage, 1, True, f"jobs/x/{number}", "0" * 64, 5, True))
    queue.settle([
        Outcome(one.token, Ending.COMPLETED), Outcome(two.token, Ending.COMPLETED),
        Outcome(three.token, Ending.FAILED, failure=Failure("invalid", "broken", "broken")),
    ])  # fmt: skip


def tables(text: str) -> dict[str, list[list[str]]]:
    found = {}
    for section in LexborHTMLParser(text).css("section"):
        rows = [[cell.text() for cell in row.css("td")] for row in section.css("tbody tr")]
        found[section.css_first("h2").text()] = rows
    return found


def test_the_page_has_the_figures_of_the_json(cli, figures, tmp_path):
    body = json.loads(cli("stats", "--json").out)
    file = tmp_path / "stats.html"
    assert cli("stats", "--html", file).code == 0
    text = file.read_text()
    shown = {cell.css_first("dt").text(): cell.css_first("dd").text() for cell in LexborHTMLParser(text).css("dl div")}
    assert shown == {name: f"{count:,}" for name, count in body["counts"].items()}
    assert body["counts"]["completed"] == 2
    found = tables(text)
    assert [(row[0], row[1], row[2]) for row in found["Waiting and running time"]] == [
        (row["job_type"], row["status"], str(row["jobs"])) for row in body["by_type"]
    ]
    assert [(row[0], row[1]) for row in found["Slowest stages"]] == [
        (s["job_type"], s["stage"]) for s in body["stages"]
    ]
    assert {stage["stage"] for stage in body["stages"]} == {"first", "second"}
    assert found["Failures and retries"] == [["b", "invalid", "1", "1", "0%"]]
    titles = [title.text() for title in LexborHTMLParser(text).css("svg title")]
    assert f"now: {body['ended_by_hour'][-1]}" in titles
    assert len(titles) == len(body["ended_by_hour"]) + len(body["run_s"])


def test_the_page_needs_nothing_else_and_escapes_what_users_wrote(cli, figures):
    text = cli("stats", "--html", "-", "--queue", "<later>").out
    page = LexborHTMLParser(text)
    assert page.css("script, link, img, iframe, [src], [href]") == []
    assert "&lt;later&gt;" in text
    assert "<later>" not in text
    assert "prefers-color-scheme: dark" in text


def test_an_empty_queue_has_a_page_too(cli, conn):
    page = LexborHTMLParser(cli("stats", "--html", "-").out)
    assert [cell.text() for cell in page.css("dd")] == ["0"] * 6
    assert page.css("section") == []


def test_a_page_is_not_written_over_what_is_no_file(cli, conn, tmp_path):
    assert cli("stats", "--html", tmp_path).code == 2
