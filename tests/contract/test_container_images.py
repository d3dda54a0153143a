"""Images, volumes and rights: what the container files say is what the code and the embedded stack say."""

import base64
import re
import shlex
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest

from baton.stack.paths import DEPLOYMENT, REPOSITORY
from baton.stack.postgres import Database, find_programs
from tests.support.composition import environment_of, folders_of_image, parts

DOCKERFILE = (REPOSITORY / "deploy" / "Dockerfile").read_text()
MOUNTED_SETTINGS = "/mnt/shared/config/server.properties"
#: where an image keeps its data: its documentation, or the VOLUME of its Dockerfile
DATA_FOLDERS = {"kafka": "/var/lib/kafka/data", "postgres": "/var/lib/postgresql", "prometheus": "/prometheus"}
#: settings of the embedded database that name its place on this machine, or its log's look
LOCAL = {"listen_addresses", "port", "unix_socket_directories", "log_line_prefix"}


def test_images_are_the_versions_that_the_embedded_stack_runs() -> None:
    said = subprocess.run([find_programs() / "postgres", "--version"], capture_output=True, text=True, check=True)
    postgres = said.stdout.split()[-1]

    assert parts()["kafka"]["image"] == f"apache/kafka:{_java_version('kafka')}"
    assert parts()["registry"]["image"] == f"apicurio/apicurio-registry:{_java_version('apicurio')}"
    assert parts()["postgres"]["image"] == f"postgres:{postgres}-bookworm"


def test_broker_has_the_settings_of_the_embedded_one() -> None:
    mounts = {volume["target"]: Path(volume["source"]) for volume in parts()["kafka"]["volumes"]}
    template = (DEPLOYMENT / "broker.properties").read_text()
    environment = environment_of("kafka")
    names = set(re.findall(r"(\w+)://", environment["KAFKA_LISTENERS"]))

    assert mounts[MOUNTED_SETTINGS] == DEPLOYMENT / "broker.properties"
    # the image turns any other KAFKA_ name into a setting that would win over the file's
    assert set(environment) == {
        "CLUSTER_ID",
        "KAFKA_LISTENERS",
        "KAFKA_ADVERTISED_LISTENERS",
        "KAFKA_CONTROLLER_QUORUM_VOTERS",
        "KAFKA_LOG_DIRS",
        "KAFKA_HEAP_OPTS",
    }
    assert names == set(re.findall(r"(\w+):PLAINTEXT", template))
    assert len(base64.urlsafe_b64decode(environment["CLUSTER_ID"] + "==")) == 16


def test_database_has_the_settings_of_the_embedded_one(tmp_path: Path) -> None:
    embedded = Database(programs=tmp_path, folder=tmp_path, log=tmp_path, port=5432, environment={})
    wanted = dict(re.findall(r"^(\w+) = '(.*)'$", embedded.render_settings(), re.MULTILINE))
    program, *words = parts()["postgres"]["command"]
    given = dict(word.split("=", 1) for word in words if word != "-c")

    assert program == "postgres"
    assert {name: given.pop(name) for name in ("fsync", "full_page_writes", "synchronous_commit")} == dict.fromkeys(
        ("fsync", "full_page_writes", "synchronous_commit"), "on"
    )
    assert given == {name: value for name, value in wanted.items() if name not in LOCAL}


def test_database_sorts_as_the_embedded_one() -> None:
    source = (REPOSITORY / "baton" / "stack" / "postgres.py").read_text()

    for word in shlex.split(environment_of("postgres")["POSTGRES_INITDB_ARGS"]):
        assert f'"{word}"' in source


@pytest.mark.parametrize("name", DATA_FOLDERS)
def test_volume_is_where_the_image_keeps_its_data(name: str) -> None:
    assert _volumes(name) == {name: DATA_FOLDERS[name]}


def test_broker_writes_into_its_volume() -> None:
    assert environment_of("kafka")["KAFKA_LOG_DIRS"] == DATA_FOLDERS["kafka"]


def test_registry_keeps_schemas_in_the_database() -> None:
    environment = environment_of("registry")

    assert (environment["APICURIO_STORAGE_KIND"], environment["APICURIO_STORAGE_SQL_KIND"]) == ("sql", "postgresql")
    assert environment["APICURIO_DATASOURCE_URL"].startswith("jdbc:postgresql://postgres:5432/")


def test_documents_and_inbox_are_in_the_volume() -> None:
    home = "/var/lib/baton"

    assert _volumes("channels") == _volumes("intake") == {"files": home}
    places = [environment_of(name)["DOCUMENT_STORE"] for name in ("channels", "intake")]
    assert len(set(places)) == 1
    assert all(place.startswith(f"{home}/") for place in (*places, environment_of("channels")["DROP_FOLDER"]))


def test_volume_of_our_image_belongs_to_the_user_who_writes_to_it() -> None:
    stage = DOCKERFILE.rpartition("\nFROM ")[2]
    (user,) = re.findall(r"^USER (\S+)$", stage, re.MULTILINE)
    home, *inside = folders_of_image()

    assert user == "baton"
    assert re.search(rf"useradd --uid [1-9]\d+ --gid {user} .*--home-dir {home} {user}\b", stage)
    assert [home] == list(_volumes("channels").values())
    assert inside == [environment_of("channels")["DOCUMENT_STORE"]], "nobody else makes the store"


def test_nothing_else_runs_as_root() -> None:
    # the image of the database starts as root and needs rights for it, unless it is given its own user
    assert parts()["postgres"]["user"] == "postgres"


def test_image_is_made_of_files_that_are_there() -> None:
    sources = _copied()

    assert {"schemas", "runtime", "services", "baton"} < sources
    assert all((REPOSITORY / source).exists() for source in sources)


def test_mounted_files_are_there_and_are_not_written() -> None:
    mounted = [volume for part in parts().values() for volume in part.get("volumes", []) if volume["type"] == "bind"]

    assert len(mounted) == 3
    assert all(Path(volume["source"]).is_file() and volume["read_only"] for volume in mounted)


def test_nothing_but_what_is_copied_is_sent_to_the_build() -> None:
    lines = (REPOSITORY / ".dockerignore").read_text().splitlines()
    everything, *patterns = [line for line in lines if not line.startswith("#")]

    assert everything == "*"
    assert {pattern[1:] for pattern in patterns if pattern.startswith("!")} == _copied()


def test_our_image_is_built_from_this_tree() -> None:
    built = {name: part["build"] for name, part in parts().items() if "build" in part}

    assert {part["image"] for name, part in parts().items() if name in built} == {"baton:local"}
    assert {(Path(build["context"]), build["dockerfile"]) for build in built.values()} == {
        (REPOSITORY, "deploy/Dockerfile")
    }


def _copied() -> set[str]:
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    return {source for sources in copied for source in sources.split()}


def _volumes(name: str) -> dict[str, str]:
    volumes = parts()[name].get("volumes", [])
    return {volume["source"]: volume["target"] for volume in volumes if volume["type"] == "volume"}


def _java_version(name: str) -> str | None:
    project = ElementTree.parse(DEPLOYMENT / "pom.xml").getroot()
    return project.findtext(f"{{*}}properties/{{*}}{name}.version")
