"""The shape of a directory file, checked before anything of it is loaded."""

import tomllib
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, ValidationError, model_validator

from schemas.vocabulary import Role, Team

DEFAULT_FILE = Path(__file__).with_name("riverside.toml")


class UnusableDirectory(ValueError):
    """The directory file cannot be used; the text says where."""


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError("unknown time zone") from None
    return name


def _person(role: Role) -> Role:
    if role is Role.SERVICE:
        raise ValueError("a person cannot be a service")
    return role


#: ids stand in queue names, topics keys and lists of the database: no dot, comma or space
Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class Part(BaseModel):
    """Base of the parts: unknown words are mistakes."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Clinic(Part):
    """A clinic and the zone its day is in."""

    clinic_id: Id
    name: Name
    time_zone: Annotated[str, AfterValidator(_known_zone)]


class Person(Part):
    """Somebody who works with referrals."""

    user_id: Id
    name: Name
    role: Annotated[Role, AfterValidator(_person)]
    clinics: tuple[Id, ...] = ()
    teams: tuple[Team, ...] = ()


class Network(Part):
    """A network of clinics and who works there."""

    network_id: Id
    name: Name
    clinics: tuple[Clinic, ...]
    staff: tuple[Person, ...] = ()

    @model_validator(mode="after")
    def _names_known_clinics(self) -> "Network":
        known = {clinic.clinic_id for clinic in self.clinics}
        for person in self.staff:
            if not known.issuperset(person.clinics):
                raise ValueError(f"{person.user_id} works for a clinic that is not listed")
        return self


class Directory(Part):
    """Everything a directory file holds."""

    networks: tuple[Network, ...]

    @model_validator(mode="after")
    def _names_everybody_once(self) -> "Directory":
        users = [person.user_id for network in self.networks for person in network.staff]
        twice = sorted({user for user in users if users.count(user) > 1})
        if twice:
            raise ValueError(f"listed twice: {', '.join(twice)}")
        return self


def read_directory(path: Path) -> Directory:
    """Read a directory file.

    Raises:
        UnusableDirectory: it cannot be read or contradicts itself.
    """
    try:
        return Directory.model_validate(tomllib.loads(path.read_text()))
    except OSError:
        raise UnusableDirectory(f"{path} cannot be read") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UnusableDirectory(f"{path} is no TOML: {error}") from None
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)
        told = (f"{'.'.join(str(part) for part in p['loc']) or 'directory'}: {p['msg']}" for p in problems)
        raise UnusableDirectory(f"{path}: {'; '.join(told)}") from None
