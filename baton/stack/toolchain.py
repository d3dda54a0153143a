"""The Java parts' own needs: a JRE and Maven, found or, as root on Debian and Ubuntu, installed."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

JAVA_AT_LEAST = 17
#: The newest releases of Debian and Ubuntu have dropped the older of the two.
JAVA_PACKAGES = ("openjdk-17-jre-headless", "openjdk-21-jre-headless")


class ToolMissing(Exception):
    """A program the stack needs is missing and could not be installed."""


@dataclass(frozen=True)
class Toolchain:
    """The programs that run the broker and the registry and fetch their files."""

    java: str
    maven: str


def leaving_nothing_behind(temporary: Path) -> tuple[str, ...]:
    """Return the options of a Java program that keep every file of it inside the stack's own folder."""
    return (f"-Djava.io.tmpdir={temporary}", "-XX:-UsePerfData")


def find_java() -> str | None:
    """Find a Java that is new enough: JAVA_HOME first, then the path."""
    home = os.environ.get("JAVA_HOME")
    candidates = [str(Path(home) / "bin" / "java")] if home else []
    candidates += [found] if (found := shutil.which("java")) else []
    return next((java for java in candidates if java_version(java) >= JAVA_AT_LEAST), None)


def java_version(java: str) -> int:
    """Ask a Java for its major version; 0 when it does not answer."""
    try:
        answer = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    match = re.search(r'version "(?:1\.)?(\d+)', answer.stderr)
    return int(match.group(1)) if match else 0


def find_maven() -> str | None:
    """Find Maven on the path."""
    return shutil.which("mvn")


def ensure_toolchain(tell: Callable[[str], None]) -> Toolchain:
    """Find Java and Maven, installing what is missing where that is possible.

    Raises:
        ToolMissing: with one readable line.
    """
    java = find_java() or _installed("Java", JAVA_PACKAGES, find_java, tell)
    maven = find_maven() or _installed("Maven", ("maven",), find_maven, tell)
    return Toolchain(java=java, maven=maven)


def _installed(
    what: str, packages: tuple[str, ...], find: Callable[[], str | None], tell: Callable[[str], None]
) -> str:
    name = f"{what} {JAVA_AT_LEAST} or newer" if what == "Java" else what
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        raise ToolMissing(f"{name} is missing; install it, for example the package {packages[0]}, and try again")
    tell(f"installing {name}")
    _apt(apt, "update")
    for package in packages:
        _apt(apt, "install", "-y", "--no-install-recommends", package)
        if found := find():
            return found
    raise ToolMissing(f"{name} is missing and apt-get could not install it ({', '.join(packages)})")


def _apt(apt: str, *arguments: str) -> None:
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run([apt, "-qq", *arguments], env=quiet, capture_output=True, check=False)
