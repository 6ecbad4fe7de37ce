# SPDX-License-Identifier: Apache-2.0
"""The files of a cell: its definition and its image."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import hashlib
import os
import re
import shutil


class File:
    """A file that is replaced in one step and can be what it was before."""

    def __init__(self, path, contents):
        self.path, self.contents = path, contents
        self.before = None
        self.is_new = False
        if os.path.exists(path):
            with open(path, "rb") as file:
                self.before = file.read()

    @property
    def changes(self):
        return self.before != self.contents

    def renew(self):
        self.put(self.contents)
        self.is_new = True

    def go_back(self):
        if self.is_new:
            self.put(self.before)
            self.is_new = False

    def put(self, contents):
        if contents is None:
            os.unlink(self.path)
            return
        new = self.path + ".new"
        with open(new, "wb") as file:
            file.write(contents)
            file.flush()
            os.fsync(file.fileno())
        if self.before is not None:
            shutil.copymode(self.path, new)
        else:
            os.chmod(new, 0o644)
        os.rename(new, self.path)


def is_same(path, other):
    return os.path.realpath(path) == os.path.realpath(other)


def files_named(text, folder, keys):
    """The files that a definition in this folder names with one of these keys."""
    text = re.sub(r"(?m)^\s*#.*$", "", text)
    values = re.findall(r"(?m)(?:^|[,{])\s*(?:%s)\s*=\s*(\[[^\]]*\]|\"[^\"\n]*\"|'[^'\n]*')" % "|".join(keys), text)
    return [os.path.join(folder, one or other) for value in values
            for one, other in re.findall(r"\"([^\"\n]*)\"|'([^'\n]*)'", value)]


def signed_bundle(directory, definition, image):
    """Which of the files would be changed in a signed bundle, as a sentence; None: neither."""
    cells, bundles = os.path.join(directory, "cells"), os.path.join(directory, "bundles")
    if definition and os.path.islink(cells):
        return "%s is a link to %s" % (cells, os.readlink(cells))
    for file in (definition, image):
        if file and os.path.realpath(file.path).startswith(os.path.realpath(bundles) + os.sep):
            return "%s is in %s" % (file.path, os.path.realpath(bundles))
    return None


def linked(definition, image):
    """Which of the files is a link, which would be replaced by a file, as a sentence; None: neither."""
    for file in (definition, image):
        if file and os.path.islink(file.path):
            return "%s is a link to %s: name the file itself" % (file.path, os.path.realpath(file.path))
    return None


def diff(definition, image):
    result = []
    if definition and definition.changes:
        result.append({"before_header": definition.path, "after_header": definition.path,
                       "before": (definition.before or b"").decode("utf-8", "replace"),
                       "after": definition.contents.decode("utf-8", "replace")})
    if image and image.changes:
        def digest(contents):
            return "" if contents is None else hashlib.sha256(contents).hexdigest() + "\n"
        result.append({"before_header": image.path, "after_header": image.path,
                       "before": digest(image.before), "after": digest(image.contents)})
    return result
