import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfdoor.config.document import markdown, toml
from halfdoor.config.errors import ConfigError
from halfdoor.config.load import find_file, load
from halfdoor.config.model import Config
from halfdoor.config.settings import settings, tables

DOCS = Path(__file__).parents[2] / "docs" / "configuration.md"


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "halfdoor.toml"
    file.write_text(text)
    return file


def refused(tmp_path: Path, text: str = "", **environ: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load(written(tmp_path, text), environ=environ)
    return caught.value


@pytest.mark.parametrize(
    ("text", "setting", "hint"),
    [
        ("prot = 1", "prot", "port"),
        ("jwks_url = 'x'", "jwks_url", "jwt.jwks_url"),
        ("[jwt]\nisuer = 'x'", "jwt.isuer", "jwt.issuer"),
        ("[limits.login]\nper_minut = 1", "limits.login.per_minut", "limits.login.per_minute"),
        ("[nothing]\nlike = 'this'", "nothing.like", "halfdoor init"),
    ],
)
def test_an_unknown_setting_is_refused_with_the_one_that_was_meant(
    tmp_path: Path, text: str, setting: str, hint: str
) -> None:
    error = refused(tmp_path, text)
    assert error.setting == setting
    assert hint in error.why


def test_an_unknown_variable_is_refused_with_the_one_that_was_meant(tmp_path: Path) -> None:
    assert "HALFDOOR_PORT" in refused(tmp_path, HALFDOOR_PRT="1").why


@pytest.mark.parametrize(
    ("text", "setting"),
    [
        ("port = 'eighty'", "port"),
        ("port = 70000", "port"),
        ("port = 80.5", "port"),
        ("port = true", "port"),
        ("bind = 7", "bind"),
        ("data_dir = 7", "data_dir"),
        ("log_level = 'loud'", "log_level"),
        ("keyring_seconds = 31", "keyring_seconds"),
        ("keyring_seconds = -1", "keyring_seconds"),
        ("trusted_proxies = 'x'", "trusted_proxies"),
        ("registration = 'yes'", "registration"),
        ("[limits.send]\nper_minute = 0", "limits.send.per_minute"),
        ("[limits.send]\nburst = 0", "limits.send.burst"),
        ("server_name = ''", "server_name"),
        ("server_name = 'a b'", "server_name"),
        ("server_name = 'https://example.org'", "server_name"),
        ("bind = 'example.org'", "bind"),
        ("bind = '0.0.0.0'", "bind"),
        ("bind = '::'", "bind"),
        ("bind = '192.0.2.1'", "bind"),
        ("bind = '0.0.0.0'\nbehind_proxy = true", "trusted_proxies"),
        ("behind_proxy = true\ntrusted_proxies = []", "trusted_proxies"),
        ("trusted_proxies = ['everyone']", "trusted_proxies"),
        ("tls_cert = 'c.pem'", "tls_cert"),
        ("tls_key = 'k.pem'", "tls_cert"),
        (
            "bind = '0.0.0.0'\ntls_cert = 'c'\ntls_key = 'k'\ndevelopment = true",
            "development",
        ),
        ("outer_key_file = 'data/outer.key'", "outer_key_file"),
        ("outer_key_file = 'x/../data/deep/outer.key'", "outer_key_file"),
        ("metrics_bind = '9090'", "metrics_bind"),
        ("metrics_bind = '127.0.0.1:99999'", "metrics_bind"),
        ("metrics_bind = '0.0.0.0:9090'", "metrics_bind"),
        ("metrics_bind = '0.0.0.0:9090'\nmetrics_token_file = 't'", "metrics_bind"),
        ("[console]\npublic_url = 'http://desk.example.org'", "console.public_url"),
        ("[console]\npublic_url = 'https://192.0.2.7'", "console.public_url"),
        ("[console]\npublic_url = 'http://127.0.0.1:8010'", "console.public_url"),
        ("[console]\npublic_url = 'https://desk.example.org/desk'", "console.public_url"),
        ("[console]\npublic_url = 'https://desk.example.org?a=1'", "console.public_url"),
        (
            "[console]\npublic_url = 'https://desk.example.org'\nbind = '0.0.0.0'",
            "console.bind",
        ),
        ("public_url = 'http://example.org'", "public_url"),
        ("public_url = 'example.org'", "public_url"),
        ("public_url = 'ftp://127.0.0.1'", "public_url"),
        ("[jwt]\njwks_file = 'a'\njwks_url = 'https://a'", "jwt.jwks_url"),
        ("[jwt]\njwks_file = 'a'", "jwt.issuer"),
        ("[jwt]\njwks_file = 'a'\nissuer = 'i'", "jwt.audience"),
        ("[jwt]\nissuer = 'i'", "jwt.jwks_file"),
        ("[jwt]\njwks_url = 'http://a.b'\nissuer = 'i'\naudience = 'a'", "jwt.jwks_url"),
        ("[jwt]\nalgorithms = ['none']", "jwt.algorithms"),
        ("[jwt]\nalgorithms = ['HS256']", "jwt.algorithms"),
        ("[jwt]\nalgorithms = []", "jwt.algorithms"),
        ("[jwt]\nleeway_seconds = 3600", "jwt.leeway_seconds"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(tmp_path: Path, text: str, setting: str) -> None:
    assert refused(tmp_path, text).setting == setting


@pytest.mark.parametrize(
    "secret",
    [
        '"""-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIMitzi\n-----END PRIVATE KEY-----"""',
        "'-----BEGIN Mitzi-----'",
    ],
)
@pytest.mark.parametrize("setting", ["outer_key_file", "tls_key", "metrics_token_file"])
def test_a_secret_in_the_file_is_refused_and_not_repeated(
    tmp_path: Path, setting: str, secret: str
) -> None:
    error = refused(tmp_path, f"{setting} = {secret}")
    assert error.setting == setting
    assert "path of a file" in error.why
    assert "Mitzi" not in str(error)


@pytest.mark.parametrize("text", ["port = ", "= 1", "[", "\xff", "a = 1\na = 2"])
def test_a_file_that_is_not_toml_is_refused_without_being_quoted(tmp_path: Path, text: str) -> None:
    assert "is not TOML" in refused(tmp_path, text).why


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path / "nowhere.toml", environ={})


def test_values_are_not_quoted_in_refusals(tmp_path: Path) -> None:
    for text in ("log_level = 'mitzi'", "port = 'mitzi'", "bind = 'mitzi'"):
        assert "mitzi" not in str(refused(tmp_path, text))


def test_flags_win_over_variables_and_variables_over_the_file(tmp_path: Path) -> None:
    file = written(tmp_path, "port = 1\nkeyring_seconds = 1\ndrain_seconds = 1\n")
    environ = {"HALFDOOR_PORT": "2", "HALFDOOR_KEYRING_SECONDS": "2", "PATH": "/bin"}
    config = load(file, environ=environ, flags={"port": 3, "bind": None})
    assert (config.port, config.keyring_seconds, config.drain_seconds) == (3, 2, 1)


def test_variables_are_read_by_the_kind_of_their_setting(tmp_path: Path) -> None:
    config = load(
        written(tmp_path, ""),
        environ={
            "HALFDOOR_TRUSTED_PROXIES": "10.0.0.1, 10.1.0.0/16",
            "HALFDOOR_BEHIND_PROXY": "true",
            "HALFDOOR_LIMITS_LOGIN_PER_MINUTE": "0.5",
            "HALFDOOR_JWT_ALGORITHMS": "ES256",
            "HALFDOOR_CONFIG": "ignored.toml",
        },
    )
    assert config.trusted_proxies == ["10.0.0.1", "10.1.0.0/16"]
    assert config.behind_proxy is True
    assert config.limits.login.per_minute == 0.5
    assert config.limits.login.burst == 100
    assert config.jwt.algorithms == ["ES256"]


def test_paths_start_where_they_were_written(tmp_path: Path) -> None:
    file = written(tmp_path, "data_dir = 'd'\ntls_cert = '/abs/c.pem'\ntls_key = 'k.pem'\n")
    elsewhere = tmp_path / "elsewhere"
    config = load(
        file, environ={"HALFDOOR_POLICY_FILE": "p.toml"}, flags={"tls_key": Path("key")},
        base=elsewhere,
    )  # fmt: skip
    assert config.data_dir == tmp_path / "d"
    assert config.tls_cert == Path("/abs/c.pem")
    assert config.policy_file == elsewhere / "p.toml"
    assert config.tls_key == elsewhere / "key"


@pytest.mark.parametrize(
    ("text", "setting"),
    [
        ("[database]\nurl = 'postgresql://h:secret@db/x'", "database.url"),
        ("[database]\nurl = 'postgresql://h@db/x?password=secret'", "database.url"),
        (
            "[database]\nurl = 'postgresql://h@db/x'\npeople_url = 'postgresql://h:secret@db/y'",
            "database.people_url",
        ),
        ("[database]\nurl = 'postgresql://[h@db/x'", "database.url"),
        ("[database]\npassword_file = 'p'", "database.url"),
        ("[database]\npeople_url = 'postgresql://h@db/y'", "database.url"),
        ("[bus]\nnats_url = 'nats://127.0.0.1:4222'", "bus.nats_url"),
        ("[bus]\nca_file = 'ca.pem'", "bus.nats_url"),
    ],
)
def test_a_database_or_bus_that_makes_no_sense_is_refused_and_no_password_is_repeated(
    tmp_path: Path, text: str, setting: str
) -> None:
    error = refused(tmp_path, text)
    assert error.setting == setting
    assert "secret" not in str(error)


def test_a_credential_of_systemd_is_found_by_its_name(tmp_path: Path) -> None:
    file = written(tmp_path, "outer_key_file = 'credential:outer-key'")
    config = load(file, environ={"CREDENTIALS_DIRECTORY": "/run/credentials/halfdoor"})
    assert config.outer_key_file == Path("/run/credentials/halfdoor/outer-key")
    assert refused(tmp_path, "outer_key_file = 'credential:x'").setting == "outer_key_file"
    for name in ("../x", "", ".hidden", "a/b"):
        error = refused(tmp_path, f"tls_key = 'credential:{name}'", CREDENTIALS_DIRECTORY="/run/c")
        assert error.setting == "tls_key"


def test_where_the_file_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_file(None, {}) is None
    assert find_file(None, {"HALFDOOR_CONFIG": "/etc/h.toml"}) == Path("/etc/h.toml")
    assert find_file(Path("mine.toml"), {"HALFDOOR_CONFIG": "/etc/h.toml"}) == Path("mine.toml")
    written(tmp_path, "")
    assert find_file(None, {}) == Path("halfdoor.toml")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "bind = '::1'",
        "bind = 'localhost'",
        "bind = '0.0.0.0'\ntls_cert = 'c'\ntls_key = 'k'",
        "bind = '0.0.0.0'\nbehind_proxy = true\ntrusted_proxies = ['10.0.0.1']",
        "development = true",
        "metrics_bind = '[::1]:9090'",
        # Off, whatever else is said of it.
        "[console]\nbind = '0.0.0.0'",
        "[console]\npublic_url = 'http://localhost:8010'",
        "[console]\npublic_url = 'https://desk.example.org:8443/'\nbind = '127.0.0.1'",
        "tls_cert='c'\ntls_key='k'\n[console]\npublic_url='https://d.example.org'\nbind='0.0.0.0'",
        "metrics_bind = '0.0.0.0:9090'\nmetrics_token_file = 't'\ntls_cert = 'c'\ntls_key = 'k'",
        "[jwt]\njwks_url = 'http://127.0.0.1:8/x'\nissuer = 'i'\naudience = 'a'",
        "[jwt]\njwks_url = 'https://a.b/x'\nissuer = 'i'\naudience = 'a'",
    ],
)
def test_these_are_fine(tmp_path: Path, text: str) -> None:
    assert isinstance(load(written(tmp_path, text), environ={}), Config)


def test_production_is_shut_by_default(tmp_path: Path) -> None:
    config = load(written(tmp_path, ""), environ={})
    assert config.bind == "127.0.0.1"
    assert config.registration is False
    assert config.development is False
    assert config.platform_api.jwks_file is None


def test_every_setting_is_explained() -> None:
    for table in tables():
        assert table.meaning.endswith("."), table.name
    for setting in settings():
        assert setting.meaning.endswith((".", ").")), setting.name


def test_the_written_file_says_nothing_new_and_names_every_setting(tmp_path: Path) -> None:
    text = toml({"server_name": "example.org"})
    assert load(written(tmp_path, text), environ={}) == load(
        written(tmp_path, "server_name = 'example.org'"), environ={}
    )
    assert tomllib.loads(toml())["jwt"] == {}
    for setting in settings():
        assert f"{setting.name.rpartition('.')[2]} = " in text


def test_every_default_in_the_written_file_is_the_default(tmp_path: Path) -> None:
    lines = [
        line.removeprefix("#") if line.startswith("#") and not line.startswith("# ") else line
        for line in toml().splitlines()
        if not line.endswith(' = "…"')
    ]
    assert load(written(tmp_path, "\n".join(lines)), environ={}) == load(
        written(tmp_path, ""), environ={}
    )


def test_the_page_of_the_documentation_is_what_the_model_says() -> None:
    assert DOCS.read_text(encoding="utf-8") == markdown()


@given(
    st.dictionaries(
        st.sampled_from([setting.name for setting in settings()]),
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text()
        | st.lists(st.text())
        | st.dictionaries(st.text(), st.integers()),
        max_size=4,
    )
)
def test_no_value_whatever_ends_in_anything_but_a_config_error(given_flags: dict[str, Any]) -> None:
    try:
        config = load(None, environ={}, flags=given_flags)
    except ConfigError:
        return
    assert isinstance(config, Config)
