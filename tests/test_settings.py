"""What the caller decides once: the key, the address, the times; all of it is checked before anything is sent."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from trackingmore_async.errors import ConfigurationError
from trackingmore_async.settings import ApiKey, CallOptions, check_seconds, read_api_key, read_base_url

KEY = "11111111-2222-4333-8444-555555555555"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the variables of the computer that it runs on."""
    monkeypatch.delenv("TRACKINGMORE_API_KEY", raising=False)
    monkeypatch.delenv("TRACKINGMORE_BASE_URL", raising=False)


def test_the_key_comes_from_the_argument_or_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """An argument goes before the environment variable."""
    monkeypatch.setenv("TRACKINGMORE_API_KEY", "from-the-environment")
    assert read_api_key(None).reveal() == "from-the-environment"
    assert read_api_key(KEY).reveal() == KEY


@pytest.mark.parametrize("value", ["", " ", "\n", "\t ", None])
def test_a_missing_key_is_explained(value: str | None) -> None:
    """Without a key, or with a blank one, the error names both ways to give one."""
    with pytest.raises(ConfigurationError, match=r"api_key.*TRACKINGMORE_API_KEY"):
        read_api_key(value)


@pytest.mark.parametrize("value", [f"{KEY}\n", f" {KEY}", f"{KEY}\r\nX-Evil: 1", "schlüssel", "a\x00b", "a\x7fb"])
def test_a_key_that_cannot_stand_in_a_header_is_refused(value: str) -> None:
    """Blanks, line breaks and letters outside ASCII are refused, and the key is not shown."""
    with pytest.raises(ConfigurationError, match="Copy it again") as caught:
        read_api_key(value)
    assert value.strip() not in str(caught.value)


@pytest.mark.parametrize("value", [b"key", 7, ["key"]])
def test_a_key_that_is_no_text_is_refused(value: Any) -> None:
    """Only a str is a key."""
    with pytest.raises(ConfigurationError, match="has to be a str"):
        read_api_key(value)


def test_the_key_does_not_show_itself() -> None:
    """Neither repr nor str nor a pickle nor the digest has the key."""
    key = ApiKey(KEY)
    assert KEY not in f"{key!r} {key} {key.digest}"
    assert not hasattr(key, "__dict__")
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(key)
    assert ApiKey(KEY).digest == key.digest != ApiKey("another").digest


def test_the_address_comes_from_argument_environment_or_vendor(monkeypatch: pytest.MonkeyPatch) -> None:
    """The argument goes before the environment, that before the vendor's address; the slash at the end goes."""
    assert read_base_url(None) == "https://api.trackingmore.com/v2"
    monkeypatch.setenv("TRACKINGMORE_BASE_URL", "http://localhost:8080/v2/")
    assert read_base_url(None) == "http://localhost:8080/v2"
    assert read_base_url("https://other.example/v2") == "https://other.example/v2"


@pytest.mark.parametrize(
    "value",
    ["", "api.trackingmore.com/v2", "ftp://host/v2", "https://", "https:///v2", "https://host:0/v2", "https://host:x/",
     "https://host:99999/v2", "https://[::1/v2", "https://user:secret@host/v2", "https://host/v2?x=1",
     "https://host/v2#x", "https://ho st/v2", "https://host/v2\n", "https://host/\x00", 7, b"https://host/v2"],
)  # fmt: skip
def test_a_bad_address_is_refused(value: Any) -> None:
    """What cannot be an address is refused with an example of one, and nothing of it is shown."""
    with pytest.raises(ConfigurationError, match=r"base_url like 'https://api\.trackingmore\.com/v2'") as caught:
        read_base_url(value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("value", [0.001, 1, 30.0, 1e6, None])
def test_good_seconds_pass(value: float | None) -> None:
    """A positive number passes as a float, and None stays None."""
    assert check_seconds("timeout", value) == value


@pytest.mark.parametrize(
    "value", [0, -1, -0.5, float("nan"), float("inf"), -float("inf"), 10**400, "5", True, False, b"5", [5], 1j]
)
def test_bad_seconds_are_refused(value: Any) -> None:
    """What is no number above zero is refused under its name."""
    with pytest.raises(ConfigurationError, match="deadline has to be a number of seconds, more than zero"):
        check_seconds("deadline", value)


def test_zero_seconds_are_for_waits_only() -> None:
    """Zero passes where waiting not at all makes sense."""
    assert check_seconds("max_wait", 0, zero=True) == 0.0


@pytest.mark.parametrize("name", ["timeout", "deadline", "max_wait"])
@pytest.mark.parametrize("value", [-1, float("nan"), "soon", True])
def test_bad_options_are_refused(name: str, value: Any) -> None:
    """Each time of a call is checked when the options are made."""
    with pytest.raises(ConfigurationError, match=name):
        CallOptions(**{name: value})


@pytest.mark.parametrize("value", ["", "urgent", 1, []])
def test_bad_priorities_are_refused(value: Any) -> None:
    """There are two lanes, and no other."""
    with pytest.raises(ConfigurationError, match='"interactive" or "bulk"'):
        CallOptions(priority=value)


def test_the_default_wait_depends_on_the_kind_of_call() -> None:
    """Without a word from the caller a call waits as long as its kind does; else as the caller says."""
    assert CallOptions().wait(30.0) == 30.0
    assert CallOptions().wait(None) is None
    assert CallOptions(max_wait=None).wait(30.0) is None
    assert CallOptions(max_wait=0).wait(30.0) == 0
