"""Which version of Baton this is."""


def version_of_baton() -> str:
    """Return the version of the installed package; a tree that was only copied, as into an image, has none."""
    # it takes as long to bring in as a short command takes in all
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("baton")
    except PackageNotFoundError:
        return "of a copied tree"
