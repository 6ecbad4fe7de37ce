// SPDX-License-Identifier: Apache-2.0

import ControlInterface

extension DaemonOptions {
    /// Calls a method that changes the machine, and shows the machine as it is afterwards.
    func changeMachine<Method: ManagerMethod>(
        _ method: Method.Type, _ parameters: Method.Parameters, system: String? = nil,
        text: (Manager.Machine) -> String
    ) throws {
        _ = try command(method, parameters, system: system)
        let machine = try daemon.call(Manager.List.self).machine
        try screen.show(MachineReport.Machine(machine), text: text(machine))
    }
}
