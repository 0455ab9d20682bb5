"""Prometheus' text format: escaped labels, cumulative buckets, every metric explained."""

from jobctl.core.exposition import Histogram, Metric, Sample, exposition

JOBS = Metric("jobctl_jobs", "gauge", "Jobs.", ("type",))
WAIT = Metric("jobctl_wait_seconds", "histogram", "Waits.", ("type",))


def test_labels_are_escaped_and_whole_numbers_have_no_fraction():
    page = exposition([JOBS], {"jobctl_jobs": [Sample(2.0, (("type", 'x"\n\\'),)), Sample(0.25)]})
    assert page == (
        '# HELP jobctl_jobs Jobs.\n# TYPE jobctl_jobs gauge\njobctl_jobs{type="x\\"\\n\\\\"} 2\njobctl_jobs 0.25\n'
    )


def test_a_metric_without_values_is_explained():
    assert exposition([JOBS], {}).splitlines() == ["# HELP jobctl_jobs Jobs.", "# TYPE jobctl_jobs gauge"]


def test_the_buckets_of_a_histogram_are_cumulative_and_hold_their_bound():
    waits = Histogram((0.5, 2.0))
    for value in (0.1, 0.5, 1.0, 7.0):
        waits.observe(value)
    page = exposition([WAIT], {"jobctl_wait_seconds": waits.samples((("type", "a"),))})
    assert page.splitlines()[2:] == [
        'jobctl_wait_seconds_bucket{type="a",le="0.5"} 2',
        'jobctl_wait_seconds_bucket{type="a",le="2"} 3',
        'jobctl_wait_seconds_bucket{type="a",le="+Inf"} 4',
        'jobctl_wait_seconds_sum{type="a"} 8.6',
        'jobctl_wait_seconds_count{type="a"} 4',
    ]
