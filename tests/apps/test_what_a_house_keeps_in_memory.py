"""What a house without a console does not pay for: templates, attestations, schemas, HTTP."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOADED = """
import asyncio, json, sys
from pathlib import Path
from tests.apps.console_house import ConsoleHouse
"""
PLAIN = """
import asyncio, json, sys
from pathlib import Path
from tests.apps.opened_house import Person, open_house

async def run():
    house = open_house(Path(sys.argv[1]))
    Person(house, "ada")
    await house.work.go_on()
    await house.desk.sweep_often()
    await house.close()

asyncio.run(run())
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""
# Packages of the console, of passkeys, of referrals, and of what is sent out.
OF_OTHERS = {"jinja2", "markupsafe", "webauthn", "OpenSSL", "cbor2", "xmlschema", "httpx"}


def modules(script: str, folder: Path) -> set[str]:
    ran = subprocess.run(
        [sys.executable, "-c", script, str(folder)],
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return set(json.loads(ran.stdout.splitlines()[-1]))


def test_a_house_without_a_console_holds_none_of_its_packages(tmp_path: Path) -> None:
    assert modules(PLAIN, tmp_path) & OF_OTHERS == set()


def test_the_list_names_packages_that_a_console_does_need(tmp_path: Path) -> None:
    script = f"{LOADED}\nprint(json.dumps(sorted(sys.modules)))"
    assert {"jinja2", "markupsafe"} <= modules(script, tmp_path)
