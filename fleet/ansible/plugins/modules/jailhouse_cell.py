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
    description: Where the definition has the image.
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
    description: Whether to go back to the definition and image before if it does not.
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
    description: Says what would change.
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

import hashlib
import json
import os
import shutil
import time

from ansible.module_utils.basic import AnsibleModule

# The hypervisor runs it: as long as nothing is to change, "running" is what it is.
RUNS = ("running", "degraded", "silent")


class Cell:
    def __init__(self, module):
        self.module = module
        self.name = module.params["name"]

    def control(self, *arguments, **options):
        command = [self.module.params["executable"]] + list(arguments)
        if self.module.params["socket"]:
            command += ["--socket", self.module.params["socket"]]
        status, output, errors = self.module.run_command(command)
        if options.get("check", True) and status != 0:
            raise Refused(errors.strip() or output.strip())
        return status, output, errors

    def now(self):
        """The cell as the daemon lists it; None if there is neither a cell nor a definition."""
        cells = json.loads(self.control("list", "--json")[1])
        return next((cell for cell in cells if cell["name"] == self.name), None)

    def be_healthy(self):
        """Waits until it runs, and looks whether it goes on to."""
        self.control("wait", self.name, "--for", "running", "--timeout", str(self.module.params["timeout"]))
        before = self.now()
        end = time.monotonic() + self.module.params["healthy_for"]
        while True:
            cell = self.now()
            if cell is None or cell["condition"] != "running" or cell["restarts"] != before["restarts"]:
                raise Refused("%s did not keep running: it is %s" % (self.name, cell and cell["condition"]))
            if time.monotonic() >= end:
                return
            time.sleep(0.2)


class Refused(Exception):
    pass


class File:
    """A file that is replaced in one step and can be what it was before."""

    def __init__(self, module, path, contents):
        self.module, self.path, self.contents = module, path, contents
        self.before = None
        if os.path.exists(path):
            with open(path, "rb") as file:
                self.before = file.read()

    @property
    def changes(self):
        return self.before != self.contents

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


def act(cell, state, now, changed):
    """Has the daemon do what leads to the state."""
    exists = now is not None and now["id"] is not None
    if state == "absent":
        cell.control("destroy", cell.name)
    elif state == "stopped":
        cell.control("stop", cell.name)
    else:
        cell.control("restart" if exists and (changed or state == "restarted") else "start", cell.name)
        cell.be_healthy()


def needs_action(state, now, changed):
    condition = now["condition"] if now else "absent"
    exists = now is not None and now["id"] is not None
    if state == "absent":
        return exists
    if state == "stopped":
        return exists and condition not in ("stopped", "created")
    return state == "restarted" or changed or condition not in RUNS


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
    cell, state = Cell(module), module.params["state"]
    definition = image = None
    try:
        if module.params["definition"] is not None:
            path = os.path.join(module.params["directory"], "cells", cell.name + ".toml")
            definition = File(module, path, module.params["definition"].encode("utf-8"))
        if module.params["image"]:
            with open(module.params["image"], "rb") as file:
                image = File(module, module.params["image_path"], file.read())
    except OSError as error:
        module.fail_json(msg=str(error), rolled_back=False)
    files = [file for file in (image, definition) if file and file.changes]
    try:
        now = cell.now()
    except Refused as error:
        module.fail_json(msg=str(error), rolled_back=False)
    changed = bool(files)
    acts = needs_action(state, now, changed)
    result = {"changed": changed or acts, "diff": diff(definition, image)}
    if module.check_mode:
        module.exit_json(cell=now, **result)
    try:
        for file in files:
            file.put(file.contents)
        if definition and definition.changes:
            cell.control("reload")
        if acts:
            act(cell, state, now, changed)
    except (Refused, OSError) as error:
        back = go_back(cell, files, now) if module.params["rollback"] and files else None
        module.fail_json(msg="%s%s" % (error, "" if back is None else "; " + back),
                         rolled_back=back == BACK, **result)
    module.exit_json(cell=cell.now(), **result)


BACK = "the definition and image before are in force again"


def go_back(cell, files, now):
    try:
        for file in files:
            file.put(file.before)
        cell.control("reload")
        if now is not None and now["condition"] in RUNS:
            exists = (cell.now() or {}).get("id") is not None
            cell.control("restart" if exists else "start", cell.name)
            cell.be_healthy()
        return BACK
    except (Refused, OSError) as error:
        return "going back failed as well: %s" % error


if __name__ == "__main__":
    main()
