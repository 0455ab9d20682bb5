"""Storage keys."""

import pytest

from jobctl.core.keys import markdown_key, output_key, source_key, storage_key, work_key

SHA = "ab" + "0" * 62


@pytest.mark.parametrize(
    "key", ["a", "jobs/7/work/part-1.json", "_x/9", work_key(7, "pages"), markdown_key(SHA), source_key(SHA)]
)
def test_a_key_is_given_back(key):
    assert storage_key(key) == key


@pytest.mark.parametrize(
    "key", ["", "/a", "a/", "a//b", "../a", "a/../b", "a..b", "A", "a b", "a\n", ".hidden", "-a", "é", "a\\b", "a\x00"]
)
def test_what_could_leave_the_storage_or_differ_between_file_systems_is_no_key(key):
    with pytest.raises(ValueError, match="not a storage key"):
        storage_key(key)


def test_bytes_of_a_job_lie_under_it_and_documents_under_the_start_of_their_hash():
    assert work_key(12, "pages") == "jobs/12/work/pages"
    assert output_key(12, SHA) == f"jobs/12/outputs/{SHA}"
    assert markdown_key(SHA) == f"markdown/ab/{SHA}.md"
    assert source_key(SHA) == f"inputs/ab/{SHA}"
