"""Secrets do not appear in texts and URLs."""

import pytest

from jobctl.core.masking import mask_arguments, mask_text, mask_url


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("postgresql://ada:s3cr3t@host:5432/db", "postgresql://***@host:5432/db"),
        ("postgresql://ada:p@ss/w@host/db", "postgresql://***@host/db"),
        ("https://host/path?key=abc&page=2", "https://host/path?key=***&page=***"),
        ("https://host/path?a=b#token", "https://host/path?a=***#***"),
        ("https://host/path", "https://host/path"),
        ("host=/run user=ada", "host=/run user=ada"),
        ("", ""),
    ],
)
def test_a_url_is_shown_without_userinfo_and_without_values_of_its_query(url, masked):
    assert mask_url(url) == masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("host=h password=s3cr3t user=ada", "host=h password=*** user=ada"),
        ("PASSWORD = 'two words' x", "PASSWORD = *** x"),
        (r"password='it\'s' user=a", "password=*** user=a"),
        ("password='open end", "password=***"),
        ("api_key=1&apikey=2&page=3", "api_key=***&apikey=***&page=3"),
        ("password='token=x y' z", "password=*** z"),
        ("client_secret=a access_token=b", "client_secret=*** access_token=***"),
        ("cannot reach postgres://a:b@h/d today", "cannot reach postgres://***@h/d today"),
        ("user=ada port=5432", "user=ada port=5432"),
        ("password=", "password="),
        ("write to ada@example.org", "write to ada@example.org"),
    ],
)
def test_a_message_is_shown_without_passwords_and_keys(text, masked):
    assert mask_text(text) == masked


@pytest.mark.parametrize(
    ("argv", "masked"),
    [
        (["curl", "--token", "abc", "file"], ["curl", "--token", "***", "file"]),
        (["curl", "--api-key=abc", "-v"], ["curl", "--api-key=***", "-v"]),
        (["login", "--password", "--verbose"], ["login", "--password", "--verbose"]),
        (["pg_dump", "postgres://ada:s3cr3t@h/d"], ["pg_dump", "postgres://***@h/d"]),
        (["tokenizer", "token.txt"], ["tokenizer", "token.txt"]),
        ([], []),
    ],
)
def test_arguments_of_a_program_are_shown_without_the_values_of_secret_options(argv, masked):
    assert mask_arguments(argv) == masked
