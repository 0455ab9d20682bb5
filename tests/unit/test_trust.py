"""Whether others may have changed a file or folder."""

import os
import stat

import pytest

from jobctl.core.errors import ConfigError
from jobctl.core.trust import account_name, distrust, require_private

NOBODYS = 3_999_999_999


def facts(uid, mode):
    return os.stat_result((mode, 0, 0, 1, uid, 0, 0, 0, 0, 0))


@pytest.mark.parametrize("uid", [0, 1000, 1001])
@pytest.mark.parametrize("mode", [stat.S_IFDIR | 0o700, stat.S_IFDIR | 0o755, stat.S_IFREG | 0o644])
def test_a_file_of_an_owner_or_of_root_that_others_cannot_write_is_trusted(uid, mode):
    assert distrust(facts(uid, mode), (1000, 1001)) is None


@pytest.mark.parametrize("mode", [0o720, 0o702, 0o777, 0o1777])
@pytest.mark.parametrize("uid", [0, 1000])
def test_a_file_that_others_can_write_is_not_trusted(uid, mode):
    assert distrust(facts(uid, stat.S_IFDIR | mode), (1000,)) == "other accounts can write to it"


def test_a_file_of_another_account_is_not_trusted_and_names_it():
    assert distrust(facts(NOBODYS, stat.S_IFREG | 0o600), (1000,)) == f"it belongs to uid {NOBODYS}"


def test_an_account_is_named_where_it_has_a_name():
    assert account_name(0) == "root (uid 0)"
    assert account_name(NOBODYS) == f"uid {NOBODYS}"


def test_a_private_folder_and_one_that_does_not_exist_are_accepted(tmp_path):
    tmp_path.chmod(0o700)
    require_private(tmp_path, "the folder", hint="no")
    require_private(tmp_path / "later", "the folder", hint="no")


def test_a_folder_that_others_can_write_is_refused_also_through_a_link(tmp_path):
    open_to_all = tmp_path / "open"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    link = tmp_path / "link"
    link.symlink_to(open_to_all)
    for path in (open_to_all, str(link)):
        with pytest.raises(
            ConfigError, match=r"the folder .* can't be trusted: other accounts can write to it"
        ) as caught:
            require_private(path, "the folder", hint="chmod go-w")
        assert str(path) in str(caught.value)
        assert caught.value.hint == "chmod go-w"
