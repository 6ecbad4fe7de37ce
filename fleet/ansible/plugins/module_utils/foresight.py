# SPDX-License-Identifier: Apache-2.0
"""What the daemon would refuse, for the check mode: nothing is touched."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import errno
import json
import os

from ansible_collections.jailhoused.jailhoused.plugins.module_utils.cell import Refused, sentence
from ansible_collections.jailhoused.jailhoused.plugins.module_utils.files import is_same


def foresee(cell, state, now, definition, image, files):
    """Raises what would be refused on the way to the state; None: nothing is done to the cell itself."""
    for file in files:
        check_folder(os.path.dirname(file.path), file.path + ".new")
    brings_up, details = state in ("running", "restarted"), cell.details()
    path = definition.path if definition in files else details.get("definition")
    checked = None
    if definition in files or (brings_up and path):
        checked = check(cell, path, definition, image, files)
    errors = [one for one in (checked or {}).get("findings", []) if one["severity"] == "error"]
    refused = [sentence(one) for one in errors] if checked and checked["refused"] else []
    if definition in files:
        if refused:
            raise Refused("; ".join(refused))
        check_place(cell, definition, details.get("definition"), checked and checked["name"])
    elif state is not None and now is None:
        # in the daemon's words
        cell.control("status", cell.name)
    elif state is not None and not details.get("supervision"):
        raise Refused("jailhouse-ctl: " + (details.get("problem") or FOREIGN % cell.name))
    if not brings_up:
        return
    machine = json.loads(cell.control("status", "--json")[1])["machine"]
    if not machine["enabled"]:
        raise Refused("jailhouse-ctl: " + (DISABLED if machine["driver"] else NO_DRIVER))
    if refused and cell.is_outdated():
        raise Refused("; ".join(refused))
    # of the rules about images
    unloadable = [sentence(one) for one in errors if (one["rule"] or "").startswith("JH08")]
    if unloadable:
        raise Refused("jailhouse-ctl: " + "; ".join(unloadable))
    if definition not in files and now["id"] is None:
        check_cpus(cell, now)


def check(cell, path, definition, image, files):
    """What the rules say of the definition, as if the files were in their places."""
    proposals = []
    if definition in files:
        proposals.append("%s=%s" % (definition.path, staged(cell.module, definition)))
    if image in files:
        proposals.append("%s=%s" % (image.path, cell.module.params["image"]))
    return cell.check(os.path.dirname(os.path.dirname(path)), path, proposals)


def check_folder(folder, new):
    """Refuses a file that cannot be written there, as the system would."""
    number = errno.ENOENT if not os.path.isdir(folder) else 0 if os.access(folder, os.W_OK) else errno.EACCES
    if number:
        raise OSError(number, os.strerror(number), new)


FOREIGN = "%s has no definition, so the daemon does not control it: add one to the directory cells"
DISABLED = "the hypervisor is not enabled: jailhouse-ctl enable"
NO_DRIVER = "there is no /dev/jailhouse: load the driver (modprobe jailhouse)"


def staged(module, definition):
    """The text as a file, in the module's own directory, which goes when the module ends."""
    path = os.path.join(module.tmpdir, "definition.toml")
    with open(path, "wb") as file:
        file.write(definition.contents)
    return path


def check_place(cell, definition, used, name):
    """Refuses a definition that the daemon would not take for this cell's, as far as other definitions tell."""
    if used is None:
        folders = [os.path.dirname(one) for one in (cell.details(name).get("definition") for name in sorted(cell.conditions)) if one]
        is_read = not folders or any(is_same(one, os.path.dirname(definition.path)) for one in folders)
    else:
        is_read = is_same(used, definition.path)
    if not is_read or name != cell.name:
        raise Refused(cell.unread(definition.path, None if is_read else used))


def check_cpus(cell, now):
    """Refuses a cell that cannot be created, since another one has its CPU."""
    for other in json.loads(cell.control("list", "--json")[1]):
        shared = sorted(set(now["cpus"]) & set(other["cpus"]))
        if other["name"] != cell.name and other["id"] is not None and shared:
            numbers = ", ".join(str(one) for one in shared)
            raise Refused("jailhouse-ctl: create %s: CPU%s %s %s cell %s's: destroy that cell first, or give this one another CPU" % (
                cell.name, "s" if len(shared) > 1 else "", numbers, "are" if len(shared) > 1 else "is", other["name"]))
