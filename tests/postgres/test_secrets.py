"""No secret of a connection string or URL is ever shown, however wrong the text around it is."""

import json

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import pq

from jobctl.core.credentials import credential
from jobctl.core.errors import ConfigError, StoreUnavailable
from jobctl.core.masking import mask_text, mask_url
from jobctl.documents.remote import Endpoint
from jobctl.postgres.connect import SECRETS, SHOWN, connect, conninfo, mask, reason

CANARY = "cAnArY"
SHAPES = [
    *(f"host=127.0.0.1 port=1 user=u dbname=d {key}={CANARY}" for key in sorted(SECRETS)),
    *(f"postgresql://u@127.0.0.1:1/d?{key}={CANARY}" for key in sorted(SECRETS)),
    f"postgresql://u:{CANARY}@127.0.0.1:1/d",
    f"postgresql://u:p@{CANARY}@127.0.0.1:1/d",
    f"postgresql://u:{CANARY}@s@127.0.0.1:1/d",
    f"postgresql://u:p/{CANARY}@127.0.0.1:1/d",
    f"postgresql://u:{CANARY}/s@127.0.0.1:1/d",
    f"postgresql://u:p#{CANARY}@127.0.0.1:1/d",
    f"postgresql://u:p?{CANARY}@127.0.0.1:1/d",
    f"postgresql://u:p?a={CANARY}@127.0.0.1:1/d",
    f"postgresql://u:{CANARY}/d",
    f"postgresql://u:{CANARY}%zz@127.0.0.1/d",
    f"postgresql+psycopg2://u:{CANARY}@127.0.0.1:1/d",
    f"host=127.0.0.1 port=1 dbname='postgresql://u:{CANARY}@h/d'",
    f"host=127.0.0.1 password='{CANARY}",
    f"host=127.0.0.1 password=two {CANARY}",
    f"host=127.0.0.1 passwort={CANARY}",
    f"mysql://u:{CANARY}@127.0.0.1/d",
    f"u:{CANARY}@127.0.0.1/d",
    f"127.0.0.1 {CANARY}",
]


def everything_said(info: str) -> str:
    """What people would see of a connection string: its mask, and the error of a connection."""
    said = [mask(info)]
    try:
        connect(conninfo(info)).close()
    except (ConfigError, StoreUnavailable) as error:
        said += [str(error), error.hint or ""]
    return "\n".join(said)


@pytest.mark.parametrize("info", SHAPES)
def test_a_secret_is_never_shown_in_any_position(info):
    assert CANARY not in everything_said(info)


@pytest.mark.parametrize("info", SHAPES)
def test_neither_does_a_command(cli, monkeypatch, info):
    monkeypatch.setenv("JOBCTL_DATABASE_URL", info)
    for words in (
        ["list"],
        ["config", "show"],
        ["config", "show", "--json"],
        ["doctor"],
        ["db", "status"],
        ["db", "check"],
    ):
        done = cli(*words)
        assert CANARY not in done.out + done.err, words


@given(
    before=st.text("ab@:/?#[]%&= '", max_size=6),
    after=st.text("ab@:/?#[]%&= '", max_size=6),
)
def test_no_character_around_a_password_makes_it_show(before, after):
    for info in (
        f"postgresql://u:{before}{CANARY}{after}@h.invalid:1/d",
        f"host=h.invalid password={before}{CANARY}{after} port=1",
    ):
        assert CANARY not in mask(info)
        assert CANARY not in refusal(info)


def refusal(info: str) -> str:
    """What is said of a connection string that can't be read; nothing where it can."""
    try:
        conninfo(info)
    except ConfigError as error:
        return f"{error} {error.hint}"
    return ""


def test_every_keyword_of_libpq_is_known_to_be_public_or_hidden():
    """A keyword that a newer libpq brings is hidden until somebody lists it."""
    for option in pq.Conninfo.get_defaults():
        keyword = option.keyword.decode()
        shown = mask(psycopg.conninfo.make_conninfo("", **{keyword: "7777"}))
        assert ("7777" in shown) == (keyword in SHOWN), keyword
        if option.dispchar == b"*":
            assert keyword in SECRETS


def test_what_can_be_read_is_still_shown():
    assert (
        mask("postgresql://u:p%40ss@h:5/d?sslmode=require")
        == "user=u password=*** dbname=d host=h port=5 sslmode=require"
    )
    assert mask("host=/tmp user=a@b dbname=d") == "user=a@b dbname=d host=/tmp"
    conninfo("postgresql://u:p:q@h,g:5/d")
    conninfo("postgresql://h/d?password=p@ss/w")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (f"https://u:{CANARY}@h/v1", "https://***@h/v1"),
        (f"https://{CANARY}@h/v1", "https://***@h/v1"),
        (f"https://u:p@{CANARY}@h/v1", "https://***@h/v1"),
        (f"https://u:p/{CANARY}@h/v1", "https://***@h/v1"),
        (f"https://h/v1?key={CANARY}&v=2#{CANARY}", "https://h/v1?key=***&v=***#***"),
        ("https://h:8/v1", "https://h:8/v1"),
        (f"s3://id:{CANARY}@bucket/prefix", "s3://***@bucket/prefix"),
        ("/srv/a@b", "/srv/a@b"),
    ],
)
def test_urls_are_shown_without_userinfo_and_values(url, shown):
    assert mask_url(url) == shown


@pytest.mark.parametrize("name", ["model_url", "readwise_url", "storage"])
def test_config_show_prints_no_userinfo_of_a_url(cli, monkeypatch, name):
    monkeypatch.setenv(f"JOBCTL_{name.upper()}", f"https://u:{CANARY}@host.invalid/x?key={CANARY}")
    for words in (["config", "show"], ["config", "show", "--json"]):
        done = cli(*words)
        assert CANARY not in done.out
        assert "host.invalid/x" in done.out
    assert CANARY not in cli("doctor").out


def test_a_wrong_type_in_a_file_does_not_repeat_what_it_holds(cli, tmp_path):
    file = tmp_path / "c.toml"
    for name in ("db", "model_url", "readwise_url", "storage"):
        file.write_text(f"{name} = ['postgresql://u:{CANARY}@h/d']\n")
        done = cli("--config", file, "list")
        assert done.code == 5
        assert CANARY not in done.err
        assert name in done.err


def test_a_drivers_message_loses_the_secrets_of_its_connection_string():
    info = "host=h user=postgres password=postgres sslpassword=Tr0ub4dor"
    said = reason(psycopg.OperationalError('bad key Tr0ub4dor for user "postgres"'), info)
    assert said == 'bad key *** for user "postgres"'
    assert mask_text("x password='a b' y token=q&z") == "x password=*** y token=***&z"


def test_doctor_and_status_still_name_the_place(cli, shell):
    assert "password" not in cli("db", "status").out
    assert json.loads(cli("db", "status", "--json").out)["url"]


@pytest.mark.parametrize("key", ["schlüssel", "key\nX-Other: 1", "two words", "“quoted”", "key\x00"])
def test_a_key_that_no_header_can_carry_is_an_error_of_the_configuration(key):
    with pytest.raises(ConfigError, match="OPENAI_API_KEY") as caught:
        Endpoint.of({"model_url": "https://host.invalid"}, {"OPENAI_API_KEY": key})
    assert key not in f"{caught.value} {caught.value.hint}"
    with pytest.raises(ConfigError, match="READWISE_TOKEN"):
        credential("READWISE_TOKEN", {"READWISE_TOKEN": key})


def test_a_key_may_have_a_line_end():
    endpoint = Endpoint.of({"model_url": "https://u:p@host.invalid"}, {"OPENAI_API_KEY": "sk-1\n"})
    assert endpoint.key == "sk-1"
    assert "u:p" not in repr(endpoint)


def test_a_command_with_such_a_key_ends_with_the_code_of_a_setting(cli, monkeypatch):
    for name, value in {"EMBEDDING": "openai", "MODEL_URL": "http://127.0.0.1:1"}.items():
        monkeypatch.setenv(f"JOBCTL_{name}", value)
    monkeypatch.setenv("OPENAI_API_KEY", "schlüssel")
    done = cli("search", "words")
    assert done.code == 5
    assert "OPENAI_API_KEY" in done.err
