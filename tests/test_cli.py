"""The command, as an operator calls it: in a process of its own."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from harness.command import run_clew
from harness.server import ServerProcess, eventually


def clew(directory: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return run_clew(*arguments, cwd=directory, **env)


def test_settings_are_printed_with_secrets_masked(tmp_path: Path) -> None:
    (tmp_path / "clew.toml").write_text("port = 9000\nredact_names = ['iban']\n")
    ran = clew(tmp_path, "settings", "--json", CLEW_ADMIN_KEY="hunter2", CLEW_HOST="127.0.0.2")
    values = json.loads(ran.stdout)
    assert (values["port"], values["host"], values["redact_names"]) == (9000, "127.0.0.2", ["iban"])
    assert "hunter2" not in ran.stdout
    assert "CLEW_PORT=9000" in clew(tmp_path, "settings").stdout


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"CLEW_PORT": "many"}, "CLEW_PORT"),
        ({"CLEW_PORTS": "1"}, "CLEW_PORTS"),
        ({"CLEW_DATA_DIR": "/proc/nowhere"}, "/proc/nowhere"),
    ],
)
def test_a_wrong_setting_is_an_error_that_names_it(tmp_path: Path, env: dict[str, str], said: str) -> None:
    ran = clew(tmp_path, "serve", **{"CLEW_PORT": "0", **env})
    assert ran.returncode == 1
    assert said in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_module_that_cannot_be_imported_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "orders.py").write_text("import nothing_of_this_name\n")
    ran = clew(tmp_path, "serve", "orders.py", CLEW_PORT="0")
    assert ran.returncode == 1
    assert "orders.py" in ran.stderr
    assert "nothing_of_this_name" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_secret_that_is_not_set_is_named(tmp_path: Path) -> None:
    (tmp_path / "orders.py").write_text(
        "from clew import Product, github\n"
        "Product('erp').webhook('code', verify=github(secret='CODE_SECRET'), event='$.type')\n"
        "erp = Product('erp')\n"
        "hooks = erp.webhook('code', verify=github(secret='CODE_SECRET'), event='$.type')\n"
    )
    ran = clew(tmp_path, "serve", "orders.py", CLEW_PORT="0")
    assert ran.returncode == 1
    assert "CODE_SECRET" in ran.stderr


def test_keys_are_made_listed_and_revoked(tmp_path: Path) -> None:
    made = json.loads(clew(tmp_path, "keys", "create", "shop", "--scope", "ingest", "--scope", "read", "--json").stdout)
    assert made["key"].startswith("clew_")
    listed = json.loads(clew(tmp_path, "keys", "list", "--json").stdout)
    assert [(row["id"], row["name"], row["scopes"]) for row in listed] == [(made["id"], "shop", ["ingest", "read"])]
    assert made["key"] not in json.dumps(listed)
    assert clew(tmp_path, "keys", "revoke", made["id"]).returncode == 0
    assert json.loads(clew(tmp_path, "keys", "list", "--json").stdout) == []
    assert clew(tmp_path, "keys", "revoke", "nothing").returncode == 1
    assert clew(tmp_path, "keys", "create", "x", "--scope", "everything").returncode == 2


def test_a_key_made_by_the_command_works_in_the_running_server(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "data").start()
    try:
        made = clew(tmp_path, "keys", "create", "late", "--scope", "ingest", CLEW_DATA_DIR=str(tmp_path / "data"))
        with server.client(made.stdout.strip()) as api:
            assert api.post("/v1/events", json={"event": "x"}).status_code == 201
    finally:
        server.close()


def test_a_second_server_on_the_same_data_is_refused(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "data").start()
    try:
        ran = clew(tmp_path, "serve", CLEW_PORT="0", CLEW_DATA_DIR=str(tmp_path / "data"))
        assert ran.returncode == 1
        assert str(tmp_path / "data") in ran.stderr
        taken = clew(tmp_path, "serve", CLEW_PORT=server.url.rsplit(":", 1)[1], CLEW_DATA_DIR=str(tmp_path / "other"))
        assert taken.returncode == 1
        assert "port" in taken.stderr
        with server.client() as api:
            assert api.get("/readyz").status_code == 200
    finally:
        server.close()


def test_the_first_start_prints_a_link_that_works_once_and_only_then(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "data").start()
    try:
        line = eventually(lambda: next((line for line in list(server.lines) if "/sign-in/link/" in line), ""))
        link = line.split()[-1]
        with server.client(key="") as visitor:
            assert visitor.get(link).status_code == 200
            assert visitor.get(link[:-4] + "wxyz").status_code in (404, 410)
    finally:
        server.close()


def test_the_data_directory_is_for_its_owner_alone(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "data").start()
    server.close()
    assert (tmp_path / "data").stat().st_mode & 0o077 == 0
    assert (tmp_path / "data" / "secret.key").stat().st_mode & 0o077 == 0


def test_stopping_writes_what_waits_and_starting_again_finds_it(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "data").start()
    with server.client() as api:
        ids = [api.post("/v1/events", json={"event": "kept"}).json()["ids"][0] for _ in range(20)]
    assert server.stop() == 0
    server.start()
    try:
        with server.client() as api:
            assert all(api.get(f"/v1/records/{record_id}").status_code == 200 for record_id in ids)
    finally:
        server.close()
