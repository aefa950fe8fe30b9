"""Makes the pictures of the dashboard in docs/images from a run of the demonstration: `python docs/pictures.py`.

It needs the Chromium of the system (Debian: `apt-get install chromium`).
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]
# Each picture's page, and how many pixels of it are shown.
PICTURES = {
    "dashboard-index": ("index.html", 1080),
    "dashboard-stations": ("stations.html", 900),
    "dashboard-station": ("station/ILAMAD25.html", 1000),
}
WIDTH = 1240


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        pipeline = Path(sys.executable).with_name("pipeline")
        subprocess.run([pipeline, "--demo", "--ingest"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        with sync_playwright() as playwright:
            flags = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
            page = browser.new_page(viewport={"width": WIDTH, "height": 900}, locale="en-GB")
            for name, (shown, height) in PICTURES.items():
                page.goto((Path(folder) / "logs" / "site" / shown).as_uri())
                target = ROOT / "docs" / "images" / f"{name}.png"
                clip = {"x": 0, "y": 0, "width": WIDTH, "height": height}
                page.screenshot(path=str(target), clip=clip, full_page=True)
                print(target.relative_to(ROOT), target.stat().st_size)
            browser.close()


if __name__ == "__main__":
    main()
