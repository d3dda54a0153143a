"""The container files say what the product needs; they are checked without a container engine."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

from baton.stack.services import SERVICES

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "docker-compose.yml"


def test_compose_file_is_valid() -> None:
    command = [str(Path(sys.executable).with_name("docker-compose")), "-f", str(COMPOSE), "config", "-q"]

    checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert checked.returncode == 0, checked.stderr


def test_compose_file_runs_every_service() -> None:
    modules = set(re.findall(r'"-m", "(services[\w.]*)"', COMPOSE.read_text()))

    assert modules == {service.module for service in SERVICES}
    assert all(importlib.util.find_spec(module) for module in modules)


def test_prometheus_scrapes_every_service() -> None:
    targets = set(re.findall(r"- ([\w-]+):9400", (ROOT / "deploy/prometheus/prometheus.yml").read_text()))

    assert targets == {service.name for service in SERVICES}
