"""Which version of Baton this is."""

from importlib.metadata import PackageNotFoundError, version


def version_of_baton() -> str:
    """Return the version of the installed package; a tree that was only copied, as into an image, has none."""
    try:
        return version("baton")
    except PackageNotFoundError:
        return "of a copied tree"
