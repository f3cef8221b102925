"""Nothing leaves for other machines by accident, unsigned, in the clear, or without a name."""

from pathlib import Path

import pytest

from halfdoor.config.errors import ConfigError
from halfdoor.config.load import load
from halfdoor.config.model import Config


def read(tmp_path: Path, text: str) -> Config:
    file = tmp_path / "halfdoor.toml"
    file.write_text(text)
    return load(file, environ={})


SENDS = """
[cyber_tip]
send = true
username = "esp"
password_file = "password"
email = "safety@a.example"
"""


@pytest.mark.parametrize(
    ("text", "setting"),
    [
        ("[webhooks]\nurl = 'https://p.example/h'", "webhooks.url"),
        ("[webhooks]\nsecret_file = 's'", "webhooks.url"),
        ("[webhooks]\nurl = 'http://p.example/h'\nsecret_file = 's'", "webhooks.url"),
        ("[webhooks]\nurl = 'ftp://p.example/h'\nsecret_file = 's'", "webhooks.url"),
        ("[webhooks]\nurl = 'http://10.0.0.7/h'\nsecret_file = 's'", "webhooks.url"),
        ("[webhooks]\nurl = 'https://a:b@p.example/h'\nsecret_file = 's'", "webhooks.url"),
        ("[webhooks]\nurl = 'https://a@p.example/h'\nsecret_file = 's'", "webhooks.url"),
        ("[webhooks]\nurl = 'p.example'\nsecret_file = 's'", "webhooks.url"),
        ("[cyber_tip]\nendpoint = 'http://report.cybertip.org/ispws'", "cyber_tip.endpoint"),
        ("[cyber_tip]\nendpoint = 'https://a:b@report.cybertip.org'", "cyber_tip.endpoint"),
        ("[cyber_tip]\nsend = true", "cyber_tip.send"),
        (SENDS.replace("username", "first_name"), "cyber_tip.send"),
        (SENDS.replace('password_file = "password"', ""), "cyber_tip.send"),
        (SENDS.replace("email", "last_name"), "cyber_tip.send"),
        ("[cyber_tip]\nkey_file = 'data/child_safety.key'", "cyber_tip.key_file"),
    ],
)
def test_what_would_go_out_unguarded_is_refused(tmp_path: Path, text: str, setting: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    assert caught.value.setting == setting


def test_by_default_nothing_is_sent_anywhere(tmp_path: Path) -> None:
    config = read(tmp_path, "")
    assert config.webhooks.url is None
    assert not config.cyber_tip.send
    assert config.cyber_tip.endpoint == "https://exttest.cybertip.org/ispws"


@pytest.mark.parametrize("host", ["https://p.example/h?x=1", "http://127.0.0.1:9/h"])
def test_a_guarded_address_is_taken(tmp_path: Path, host: str) -> None:
    config = read(tmp_path, f"[webhooks]\nurl = '{host}'\nsecret_file = 's'")
    assert config.webhooks.url == host
    assert config.webhooks.secret_file == tmp_path / "s"


def test_to_send_does_not_change_where_to(tmp_path: Path) -> None:
    assert read(tmp_path, SENDS).cyber_tip.endpoint == "https://exttest.cybertip.org/ispws"
