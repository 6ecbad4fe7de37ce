#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Brings a cell of the Jailhouse hypervisor into a state."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
---
module: jailhouse_cell
short_description: Bring a cell of the Jailhouse hypervisor into a state
version_added: "0.1.0"
description:
  - Has jailhoused start, stop, restart or destroy a cell, through jailhouse-ctl on the managed machine.
  - Replaces the cell's definition or image before, and goes back to the ones before if the cell is not healthy with them.
  - Changes nothing in a signed bundle; C(jailhouse-ctl bundle install) puts another one in force.
options:
  name:
    description: The cell's name.
    type: str
    required: true
  state:
    description:
      - V(running) starts the cell if it does not run, and restarts it in whatever condition it is if its definition or image has
        changed. A cell that runs and is degraded or silent is left as it is otherwise.
      - V(restarted) always restarts it.
      - With both, a cell that was created with another configuration than its definition has now (CPUs, memory, devices) is
        destroyed and created again.
      - V(absent) destroys it; its definition stays.
    type: str
    choices: [running, stopped, absent, restarted]
    default: running
  definition:
    description: The text of the definition, C(cells/NAME.toml).
    type: str
  image:
    description: A file on the managed machine that is to be the cell's image; with O(image_path).
    type: path
  image_path:
    description: Where the definition has the image; any other path is refused before anything is written.
    type: path
  directory:
    description: The daemon's configuration directory.
    type: path
    default: /etc/jailhoused
  timeout:
    description: Seconds until the cell must run.
    type: int
    default: 30
  healthy_for:
    description: Seconds for which it must then run without a restart.
    type: int
    default: 5
  rollback:
    description:
      - Whether to go back to the definition and image before if it does not.
      - A cell that did not run before does not run then either. It is stopped, or destroyed if it did not exist or was created
        again, with the cells that it requires and that were started for it.
      - A cell that nothing was done to is not restarted for that.
    type: bool
    default: true
  socket:
    description: The daemon's socket.
    type: path
  executable:
    description: The command jailhouse-ctl.
    type: path
    default: jailhouse-ctl
attributes:
  check_mode:
    description:
      - Says what would change, and fails with what the daemon would refuse of it. The definition and the image are judged by
        C(jailhouse-ctl check) as if they were in their places.
      - That a cell would not be healthy is not foreseen.
    support: full
  diff_mode:
    description: Shows the definition, and the hashes of the image.
    support: full
author:
  - The jailhoused maintainers (@jailhoused)
"""

EXAMPLES = r"""
- name: Another image, and back if it does not run
  jailhoused.jailhoused.jailhouse_cell:
    name: rtems
    image: /var/cache/jailhouse/rtems-2.exe
    image_path: /usr/local/lib/jailhouse/rtems.exe

- name: Stop a cell
  jailhoused.jailhoused.jailhouse_cell:
    name: rtems
    state: stopped
"""

RETURN = r"""
cell:
  description: The cell as jailhouse-ctl list --json shows it; null if there is none.
  type: dict
  returned: success
rolled_back:
  description: Whether the definition and image before are in force again.
  type: bool
  returned: failure
"""

import os
import re

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.jailhoused.jailhoused.plugins.module_utils.cell import (
    CHANGES, RUNS, Cell, Refused)
from ansible_collections.jailhoused.jailhoused.plugins.module_utils.files import (
    File, diff, files_named, is_same, linked, signed_bundle)
from ansible_collections.jailhoused.jailhoused.plugins.module_utils.foresight import foresee

# What a definition names beside the images themselves.
BESIDE_IMAGES = ("initrd", "loader", "device-tree", "overlays")


def check_image_path(cell, definition, path):
    """Refuses an image that the cell would not be started with."""
    if definition:
        text, folder = definition.contents.decode("utf-8"), os.path.dirname(definition.path)
        named = files_named(text, folder, ("path",) + BESIDE_IMAGES)
    else:
        details = cell.details()
        named = list(details.get("images") or [])
        if details.get("definition"):
            with open(details["definition"], "rb") as file:
                text = file.read().decode("utf-8", "replace")
            # one that cannot be used has no images
            keys = BESIDE_IMAGES if named else ("path",) + BESIDE_IMAGES
            named += files_named(text, os.path.dirname(details["definition"]), keys)
    if not any(is_same(path, one) for one in named):
        raise Refused("%s is no image of %s: its definition has %s" % (path, cell.name, ", ".join(named) or "none"))


def needs_action(cell, state, now, changed):
    condition = now["condition"] if now else "absent"
    exists = now is not None and now["id"] is not None
    if state == "absent":
        return exists
    if state == "stopped":
        return exists and condition not in ("stopped", "created")
    return state == "restarted" or changed or condition not in RUNS or cell.is_outdated()


def act(cell, state, files, definition):
    """Has the daemon do what leads to the state."""
    for file in files:
        file.renew()
    if definition in files:
        refused = cell.reload()
        if refused:
            raise Refused("; ".join(refused))
        used = cell.details().get("definition")
        if used is None or not is_same(used, definition.path):
            raise Refused(cell.unread(definition.path, used))
    if state == "absent":
        cell.control("destroy", cell.name)
    elif state == "stopped":
        cell.control("stop", cell.name)
    elif state is not None:
        cell.bring_up(bool(files) or state == "restarted")


def main():
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "default": "running", "choices": ["running", "stopped", "absent", "restarted"]},
            "definition": {"type": "str"},
            "image": {"type": "path"},
            "image_path": {"type": "path"},
            "directory": {"type": "path", "default": "/etc/jailhoused"},
            "timeout": {"type": "int", "default": 30},
            "healthy_for": {"type": "int", "default": 5},
            "rollback": {"type": "bool", "default": True},
            "socket": {"type": "path"},
            "executable": {"type": "path", "default": "jailhouse-ctl"},
        },
        required_together=[("image", "image_path")],
        supports_check_mode=True,
    )
    # a file is called so, and it follows options of the command
    if not re.match(r"^[^-./\x00-\x1f][^/\x00-\x1f]{0,30}\Z", module.params["name"]):
        module.fail_json(msg="name: %s is no name of a cell" % module.params["name"], rolled_back=False)
    cell, state = Cell(module), module.params["state"]
    directory = module.params["directory"]
    definition = image = None
    try:
        if module.params["definition"] is not None:
            path = os.path.join(directory, "cells", cell.name + ".toml")
            definition = File(path, module.params["definition"].encode("utf-8"))
        if module.params["image"]:
            with open(module.params["image"], "rb") as file:
                image = File(module.params["image_path"], file.read())
        bundle = signed_bundle(directory, definition, image)
        if bundle:
            raise Refused("%s: a signed bundle is not changed file by file; jailhouse-ctl bundle install puts another "
                          "one in force" % bundle)
        link = linked(definition, image)
        if link:
            raise Refused(link)
        if image:
            check_image_path(cell, definition, image.path)
        files = [file for file in (image, definition) if file and file.changes]
        now, before = cell.now(), cell.remember()
        acts = needs_action(cell, state, now, bool(files))
    except (Refused, OSError) as error:
        module.fail_json(msg=str(error), rolled_back=False)
    result = {"changed": bool(files) or acts, "diff": diff(definition, image)}
    if module.check_mode:
        try:
            foresee(cell, state if acts else None, now, definition, image, files)
        except (Refused, OSError) as error:
            module.fail_json(msg=str(error), rolled_back=False, **result)
        module.exit_json(cell=now, **result)
    try:
        act(cell, state if acts else None, files, definition)
    except (Refused, OSError) as error:
        back = go_back(cell, files, definition, before) if module.params["rollback"] and files else None
        module.fail_json(msg="%s%s" % (error, "" if back is None else "; " + back),
                         rolled_back=back == BACK, **result)
    module.exit_json(cell=cell.now(), **result)


BACK = "the definition and image before are in force again"


def go_back(cell, files, definition, before):
    """Has the machine be what it was; returns the sentence to add."""
    condition = before["cell"]["condition"] if before else "absent"
    supervision = before.get("supervision") or {}
    ran, wanted = condition in RUNS, condition in CHANGES and supervision.get("desired") == "running"
    try:
        try:
            # as long as it has a definition
            if cell.is_touched and not ran and not wanted:
                cell.take_down(before)
        finally:
            for file in files:
                file.go_back()
            cell.reload()
        if cell.is_touched and ran:
            cell.bring_up(True)
        elif cell.is_touched and wanted:
            # it had failed, and may fail again
            cell.renew(True, accepted=(0, 1))
        if cell.is_touched:
            cell.start_dependents()
        if cell.is_touched and condition == "foreign" and str(before["cell"]["state"]).startswith("running"):
            return "going back failed as well: %s ran without a definition, so it cannot be started as it was" % cell.name
        return BACK
    except (Refused, OSError) as error:
        return "going back failed as well: %s" % error


if __name__ == "__main__":
    main()
