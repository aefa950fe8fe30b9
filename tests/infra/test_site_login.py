"""The login before the dashboard, in a JavaScript engine: who is let through, and what everybody else gets."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import playwright
import pytest

from tests.docs.test_docs import DOCS, blocks
from tests.waiting import WAIT_SECONDS

# Each answer is given by a process of its own.
pytestmark = pytest.mark.whole

LOGIN: Final = Path(__file__).resolve().parents[2] / "terraform" / "modules" / "site" / "login.js"
# Playwright brings a node of its own.
BUNDLED: Final = Path(playwright.__file__).parent / "driver" / "node"
USERS: Final = [hashlib.sha256(pair.encode()).hexdigest() for pair in ("anna:päss:word", "ben:other")]


def answered(header: str | None) -> dict[str, Any]:
    """What the function says to a request with this Authorization."""
    node = str(BUNDLED) if BUNDLED.exists() else shutil.which("node")
    if node is None:
        pytest.skip("neither playwright's node nor one on PATH is there")
    headers = {} if header is None else {"authorization": {"value": header}}
    request = {"method": "GET", "uri": "/index.html", "headers": headers}
    code = LOGIN.read_text("utf-8").replace("${users}", json.dumps(USERS))
    script = f"{code}\nconsole.log(JSON.stringify(handler({json.dumps({'request': request})})));"
    done = subprocess.run([node, "-e", script], capture_output=True, text=True, check=True, timeout=WAIT_SECONDS)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def basic(pair: str) -> str:
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


@pytest.mark.parametrize("pair", ["anna:päss:word", "ben:other"])
def test_a_listed_user_with_the_right_password_is_let_in(pair: str) -> None:
    assert answered(basic(pair))["uri"] == "/index.html"


@pytest.mark.parametrize(
    "header",
    [None, "", "Basic", "Basic !!!", basic("anna:other"), basic("ben:päss:word"), basic(":"), f"Basic {USERS[0]}"],
)
def test_everybody_else_is_asked_for_a_password(header: str | None) -> None:
    told = answered(header)
    assert told["statusCode"] == 401
    assert told["headers"]["www-authenticate"]["value"] == 'Basic realm="Forecast", charset="UTF-8"'
    assert "uri" not in told


def test_the_page_shows_how_to_generate_and_enter_a_password() -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed here")
    (block,) = [one for one in blocks(DOCS / "dashboard.md", "bash") if "openssl" in one]
    script = f"{block}\nprintf '%s' \"$password\""
    done = subprocess.run(["bash", "-euc", script], capture_output=True, text=True, check=True, timeout=WAIT_SECONDS)
    named, password = done.stdout.split("\n")
    assert len(password) == 32
    assert named == hashlib.sha256(f"anna:{password}".encode()).hexdigest()
