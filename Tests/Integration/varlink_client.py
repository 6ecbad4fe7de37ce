# SPDX-License-Identifier: Apache-2.0
"""Another's reading of the Varlink protocol: PyPI's client against the daemon, once through a cell's life.

    JAILHOUSED_SOCKET=… varlink_client.py

Any assertion that does not hold ends it with a traceback.
"""

import os

import varlink

INTERFACE = "org.jailhoused.Manager"
client = varlink.Client.new_with_address("unix:" + os.environ["JAILHOUSED_SOCKET"])

with client.open("org.varlink.service") as service:
    info = service.GetInfo()
    assert info["product"] == "jailhoused", info
    assert set(info["interfaces"]) == {"org.varlink.service", INTERFACE}, info
    text = service.GetInterfaceDescription(INTERFACE)["description"]
    description = varlink.Interface(text)
    assert description.name == INTERFACE
    methods = {m for m, kind in description.members.items() if isinstance(kind, varlink.scanner._Method)}
    assert {"List", "Describe", "Start", "Stop", "Watch", "CommunicationRegion"} <= methods, methods

with client.open(INTERFACE) as manager, client.open(INTERFACE) as other:
    answer = manager.List()
    assert answer["machine"]["enabled"] is True, answer
    cells = {cell["name"]: cell for cell in answer["cells"]}
    assert cells["rtems"]["condition"] == "absent", answer

    changes = other.Watch(cell="rtems", _more=True)
    change = next(changes)["change"]
    assert change["kind"] == "current", change
    assert change["cell"]["condition"] == "absent", change

    started = manager.Start("rtems")["cell"]
    assert started["state"] == "running", started
    assert started["cpus"] == [3], started
    seen = []
    while "running" not in seen:
        seen.append(next(changes)["change"]["cell"]["condition"])
    assert seen.index("starting") < seen.index("running"), seen

    stopped = manager.Stop("rtems")["cell"]
    assert stopped["state"] == "shut down", stopped
    while "stopped" not in seen:
        seen.append(next(changes)["change"]["cell"]["condition"])

    try:
        manager.Start("rtem")
        raise AssertionError("a cell that does not exist was started")
    except varlink.VarlinkError as error:
        assert error.error() == INTERFACE + ".CellNotFound", error.as_dict()
        assert error.parameters()["cell"] == "rtem", error.as_dict()
        assert error.parameters()["nearest"] == "rtems", error.as_dict()

    manager.Destroy("rtems")
    cells = {cell["name"]: cell for cell in manager.List()["cells"]}
    assert cells["rtems"]["condition"] == "absent", cells
