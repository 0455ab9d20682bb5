"""Long copies of rows say where they stand; quick ones say nothing."""

import re

from jobctl.cli.output import row_progress
from jobctl.core.job import NewJob


def test_a_long_dump_and_a_long_load_say_where_they_stand(cli, queue, conn, tmp_path, monkeypatch):
    queue.submit([NewJob("noop", {}) for _ in range(600)])
    monkeypatch.setattr(row_progress, "EVERY", 0.0)
    done = cli("db", "dump", tmp_path / "all.dump")
    assert done.code == 0
    told = re.findall(r"^dumping jobs: (\d+) rows$", done.err, re.MULTILINE)
    assert [int(rows) for rows in told] == [256, 512]
    conn.execute("TRUNCATE jobs, events, workers CASCADE")
    loaded = cli("db", "load", tmp_path / "all.dump")
    assert loaded.code == 0, loaded.err
    assert [int(rows) for rows in re.findall(r"^loading jobs: (\d+) rows$", loaded.err, re.MULTILINE)] == [256, 512]
    assert conn.execute("SELECT count(*) FROM jobs").fetchone() == (600,)


def test_a_quick_dump_says_nothing_but_its_end_and_quiet_silences_a_long_one(cli, queue, tmp_path, monkeypatch):
    queue.submit([NewJob("noop", {}) for _ in range(600)])
    monkeypatch.setattr(row_progress, "EVERY", 3600.0)
    assert "dumping" not in cli("db", "dump", tmp_path / "a.dump").err
    monkeypatch.setattr(row_progress, "EVERY", 0.0)
    assert cli("-q", "db", "dump", tmp_path / "b.dump").err == ""
