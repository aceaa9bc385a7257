"""The search for pickles in files."""

import zipfile


def is_pickled(file):
    """Tell a pickle by its first bytes, a stop at its end, or a zip member of that name."""
    if zipfile.is_zipfile(file):
        members = zipfile.ZipFile(file)
        return any(name.endswith((".pkl", ".pickle")) or pickled(members.read(name)) for name in members.namelist())
    return pickled(file.read_bytes())


def pickled(content):
    return content[:1] == b"\x80" and content[1:2] in b"\x02\x03\x04\x05" and content[-1:] == b"."
