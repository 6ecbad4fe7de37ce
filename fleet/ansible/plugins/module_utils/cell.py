# SPDX-License-Identifier: Apache-2.0
"""A cell, as jailhouse-ctl shows and changes it."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json
import os
import time

from ansible_collections.jailhoused.jailhoused.plugins.module_utils.files import (
    files_named, is_same)

# The hypervisor runs it: as long as nothing is to change, "running" is what it is.
RUNS = ("running", "degraded", "silent")
# The daemon is about to have it run, or not; what it wants decides.
CHANGES = ("starting", "stopping", "backing-off")
# It stays so until somebody starts it.
RESTS = ("absent", "created", "stopped")


class Refused(Exception):
    pass


def sentence(finding):
    """A finding on one line, as the daemon has it."""
    place = "%s:%s" % (finding["file"], finding["line"]) if finding["line"] else finding["file"]
    kind = "%s %s" % (finding["severity"], finding["rule"]) if finding["rule"] else finding["severity"]
    text = "; ".join(one for one in (finding["message"], finding["consequence"], finding["remedy"]) if one)
    return ": ".join(one for one in (place, kind, finding["location"], text) if one)


class Cell:
    def __init__(self, module):
        self.module = module
        self.name = module.params["name"]
        # whether anything was done to it, and whether it was destroyed
        self.is_touched = self.is_destroyed = False
        # of all cells, as they were before anything was done
        self.conditions = {}

    def control(self, *arguments, **options):
        command = [self.module.params["executable"]] + list(arguments)
        if self.module.params["socket"]:
            command += ["--socket", self.module.params["socket"]]
        status, output, errors = self.module.run_command(command)
        if status not in options.get("accepted", (0,)):
            raise Refused(errors.strip() or output.strip())
        return status, output, errors

    def now(self):
        """The cell as the daemon lists it; None if there is neither a cell nor a definition."""
        cells = json.loads(self.control("list", "--json")[1])
        return next((cell for cell in cells if cell["name"] == self.name), None)

    def details(self, name=None):
        """What the daemon knows of it, or of another one; empty if there is neither a cell nor a definition."""
        # not running, no such cell, some CPUs failed, silent
        status, output, errors = self.control("status", name or self.name, "--json", accepted=(0, 3, 4, 5, 6))
        return {} if status == 4 else json.loads(output)

    def check(self, directory, path, proposals):
        """What 'check' says of the definition at a path, with files in other places: PATH=FILE; None: nothing."""
        arguments = [one for proposal in proposals for one in ("--instead", proposal)]
        command = [self.module.params["executable"], "check", "--json"] + arguments + [directory]
        status, output, errors = self.module.run_command(command)
        if status not in (0, 1) or not output.strip():
            raise Refused(errors.strip() or output.strip())
        return next((one for one in json.loads(output) if is_same(one["file"], path)), None)

    def reload(self):
        """Has the daemon read the definitions and their images again; returns what it refuses of this cell's."""
        status, output, errors = self.control("reload", "--json", accepted=(0, 1))
        if not output.strip():
            raise Refused(errors.strip())
        path = self.details().get("definition") or os.path.join(self.module.params["directory"], "cells", self.name + ".toml")
        # a file, a line, a sentence
        return [one for one in json.loads(output)["problems"] if is_same(one.split(":")[0], path)]

    def unread(self, path, used):
        """The sentence about a definition that the daemon does not read."""
        return "the daemon does not read %s: its definition of %s is %s" % (path, self.name, used)

    def remember(self):
        """Looks at all cells, before anything is done; returns what the daemon knows of this one."""
        self.conditions = dict((cell["name"], cell["condition"]) for cell in json.loads(self.control("list", "--json")[1]))
        return self.details()

    def required(self, name, found=()):
        """The cells that a cell requires, directly or not, each before those that it requires itself."""
        path = json.loads(self.control("status", name, "--json", accepted=(0, 3, 4, 5, 6))[1] or "{}").get("definition")
        if not path or not os.path.exists(path):
            return list(found)
        with open(path, "rb") as file:
            text = file.read().decode("utf-8", "replace")
        found = list(found)
        for one in files_named(text, "", ("requires",)):
            if one not in found and one != name:
                found = self.required(one, found + [one])
        return found

    def start_dependents(self):
        """Starts the cells that ran, require this one, and were stopped with it."""
        now = dict((cell["name"], cell["condition"]) for cell in json.loads(self.control("list", "--json")[1]))
        for name in sorted(now):
            if name != self.name and self.conditions.get(name) in RUNS and now[name] in RESTS and self.name in self.required(name):
                self.control("start", name)

    def take_down(self, before):
        """Has it not run, as before, and neither the cells that were started for it."""
        existed = bool(before) and before["cell"]["id"] is not None
        for name in [self.name] + self.required(self.name):
            if name != self.name and self.conditions.get(name) not in RESTS:
                continue
            gone = not existed or self.is_destroyed if name == self.name else self.conditions[name] == "absent"
            self.control("destroy" if gone else "stop", name)

    def is_outdated(self):
        """Whether the cell that exists was created with another configuration than its definition has."""
        return bool(self.details().get("outdated"))

    def bring_up(self, restart):
        """Has it run as its definition and image are now."""
        self.renew(restart)
        self.be_healthy()
        if self.is_outdated():
            raise Refused("%s runs, and its configuration has changed" % self.name)

    def renew(self, restart, accepted=(0,)):
        """Starts or restarts it, created again if it has to be."""
        if self.is_outdated():
            # what it could not be started with is refused while it still exists
            refused = self.reload()
            if refused:
                raise Refused("; ".join(refused))
            self.control("destroy", self.name)
            self.is_touched = self.is_destroyed = True
        before = self.now() or {}
        try:
            self.control("restart" if before.get("id") is not None and restart else "start", self.name, accepted=accepted)
        except Refused:
            touched, self.is_touched = self.is_touched, True
            self.is_touched = touched or not self.runs_on(before)
            raise
        self.is_touched = True
        if self.is_destroyed:
            self.start_dependents()

    def runs_on(self, before):
        """Whether the cell ran, and runs now without having been restarted."""
        now = self.now() or {}
        return all(one.get("condition") in RUNS for one in (before, now)) and all(now[key] == before[key] for key in ("id", "restarts"))

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
