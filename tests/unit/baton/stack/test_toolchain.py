from pathlib import Path

import pytest

from baton.stack import toolchain
from baton.stack.toolchain import ToolMissing, find_java, java_version


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder as the whole path."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    return tmp_path


@pytest.mark.parametrize(
    ("says", "version"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('openjdk version "21" 2023-09-19', 21),
        ('java version "1.8.0_402"', 8),
        ("no version at all", 0),
    ],
)
def test_version_is_read_from_what_java_says(programs: Path, says: str, version: int) -> None:
    java = fake(programs / "java", says)

    assert java_version(str(java)) == version


def test_java_that_is_too_old_is_not_used(programs: Path) -> None:
    fake(programs / "java", 'openjdk version "11.0.2"')

    assert find_java() is None


def test_missing_java_is_one_readable_line(programs: Path) -> None:
    with pytest.raises(ToolMissing) as missing:
        toolchain.ensure_toolchain(lambda line: None)

    assert str(missing.value) == (
        "Java 17 or newer is missing; install it, for example the package openjdk-17-jre-headless, and try again"
    )


def test_present_tools_are_found_without_installing(programs: Path) -> None:
    java = fake(programs / "java", 'openjdk version "17.0.15"')
    maven = fake(programs / "mvn", "")
    said: list[str] = []

    tools = toolchain.ensure_toolchain(said.append)

    assert (tools.java, tools.maven) == (str(java), str(maven))
    assert said == []


def test_root_installs_what_is_missing(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    apt = programs / "apt-get"
    apt.write_text(INSTALLER.format(folder=programs))
    apt.chmod(0o755)
    said: list[str] = []

    tools = toolchain.ensure_toolchain(said.append)

    assert (tools.java, tools.maven) == (str(programs / "java"), str(programs / "mvn"))
    assert said == ["installing Java 17 or newer", "installing Maven"]


def test_package_that_a_release_lacks_is_replaced_by_the_next(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    apt = programs / "apt-get"
    apt.write_text(INSTALLER.format(folder=programs).replace("openjdk-17", "openjdk-21"))
    apt.chmod(0o755)

    tools = toolchain.ensure_toolchain(lambda line: None)

    assert tools.java == str(programs / "java")


#: Stands for apt-get: knows two packages.
INSTALLER = """#!/bin/sh
make() {{
  printf '#!/bin/sh\\necho "openjdk version \\\\"17.0.1\\\\"" >&2\\n' > {folder}/$1
  /bin/chmod 755 {folder}/$1
}}
for word in "$@"; do
  case "$word" in
    openjdk-17-jre-headless) make java ;;
    maven) make mvn ;;
  esac
done
"""


def fake(path: Path, says: str) -> Path:
    path.write_text(f"#!/bin/sh\necho '{says}' >&2\n")
    path.chmod(0o755)
    return path
