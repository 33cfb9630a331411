"""Paths lead where a simple model says that they do, and never out of the tree."""

from __future__ import annotations

import errno
import os
import stat

from hypothesis import given, settings
from hypothesis import strategies as st

from vmpp.service.filesystem import SUPERUSER, Tree

NAMES = ["a", "b", "c"]
FOLDERS = ["/", "/a", "/b", "/a/b", "/b/c"]


def resolve(links, folders, files, path, follow, depth=0):
    """Say what *path* leads to, by rewriting it until no link is left; None if to nothing."""
    if depth > 200:
        return errno.ELOOP
    done = []
    parts = [part for part in path.split("/") if part]
    for place, part in enumerate(parts):
        here = "/" + "/".join(done)
        if here not in folders:
            return errno.ENOTDIR if here in files else errno.ENOENT
        if part == ".":
            continue
        if part == "..":
            done = done[:-1]
            continue
        there = "/" + "/".join([*done, part])
        last = place == len(parts) - 1
        if there in links and (not last or follow or path.endswith("/")):
            target = links[there]
            rest = "/".join(parts[place + 1 :]) + ("/" if path.endswith("/") else "")
            start = target if target.startswith("/") else f"{here}/{target}"
            whole = f"{start}/{rest}" if rest.strip("/") or path.endswith("/") else start
            return resolve(links, folders, files, whole, follow, depth + 1)
        done.append(part)
    there = "/" + "/".join(done)
    if path.endswith("/") and there not in folders:
        return errno.ENOTDIR if there in files else errno.ENOENT
    return there if there in {*folders, *files, *links} else errno.ENOENT


def found(tree, path, follow):
    """Return what the tree finds, or the number of its error."""
    try:
        return tree.find(SUPERUSER, tree.root, path.encode(), follow)
    except OSError as error:
        return error.errno


PARTS = st.sampled_from([*NAMES, ".", "..", "", "nothing"])
PATHS = st.builds(
    lambda start, parts, end: start + "/".join(parts) + end,
    st.sampled_from(["", "/", "//", "../../"]),
    st.lists(PARTS, min_size=1, max_size=6),
    st.sampled_from(["", "", "/", "/."]),
).filter(lambda path: path)
PLACES = st.builds(
    lambda folder, name: f"{folder.rstrip('/')}/{name}",
    st.sampled_from(FOLDERS), st.sampled_from(["x", "y", "z", "c"]),
)  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(
    links=st.dictionaries(PLACES, st.one_of(PATHS, st.sampled_from(["x", "/a/x", "y/../z", "b/c"])),
                          max_size=5),
    files=st.sets(PLACES, max_size=3),
    paths=st.lists(st.one_of(PATHS, PLACES, st.builds("{}/{}".format, PLACES, PATHS)),
                   min_size=1, max_size=8),
    follow=st.booleans(),
)  # fmt: skip
def test_a_path_leads_where_the_model_says(links, files, paths, follow):
    tree = Tree()
    folders = set(FOLDERS)
    links = {place: target for place, target in links.items() if place not in folders}
    files = {place for place in files if place not in folders and place not in links}
    for folder in FOLDERS[1:]:
        tree.mkdir(SUPERUSER, tree.root, folder.encode(), 0o755)
    for place, target in links.items():
        tree.symlink(SUPERUSER, tree.root, place.encode(), target.encode())
    for place in files:
        tree.open(SUPERUSER, tree.root, place.encode(), os.O_CREAT | os.O_WRONLY, 0o644).close()
    known = {"home", "root", "tmp", "images", "dev"}
    try:
        for path in paths:
            expected = resolve(links, folders, files, path, follow)
            node = found(tree, path, follow)
            if isinstance(node, int):
                # The model goes through any number of links.
                assert node in {expected, errno.ELOOP}, path
                continue
            assert isinstance(expected, str), path
            if stat.S_ISDIR(tree.status(node).mode):
                assert tree.path(node).decode() == expected
            elif stat.S_ISLNK(tree.status(node).mode):
                assert node.volume.readlink(node).decode() == links[expected]
            else:
                assert expected in files
    finally:
        assert known <= {e.name.decode() for e in tree.root.volume.entries(tree.root, b"", 99)}
        tree.close()


@settings(max_examples=100, deadline=None)
@given(path=st.binary(max_size=60), target=st.binary(min_size=1, max_size=60))
def test_no_bytes_lead_out(path, target):
    tree = Tree()
    try:
        try:
            tree.symlink(SUPERUSER, tree.root, b"/link", target)
            tree.find(SUPERUSER, tree.root, b"/link")
        except OSError:
            pass
        try:
            node = tree.find(SUPERUSER, tree.root, path)
        except OSError:
            return
        assert node.volume.device in {1, 2, 3}
    finally:
        tree.close()
