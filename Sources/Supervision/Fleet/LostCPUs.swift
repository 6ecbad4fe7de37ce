// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface

/// CPUs that the hypervisor does not give back before the next boot.
package struct LostCPUs: Hashable, Sendable, Codable {
    /// CPUs of Linux, parked after a violation by it; ascending.
    package var parked: [Int]
    /// CPUs, of Linux or of a cell, on which the hypervisor itself failed; ascending. They answer nothing any more, and
    /// each command waits for those of Linux and of its cell. Commands for other cells are not given, either: what the
    /// hypervisor held when it failed is unknown.
    package var stopped: [Int]

    package init(parked: [Int] = [], stopped: [Int] = []) {
        (self.parked, self.stopped) = (parked, stopped)
    }

    package var isEmpty: Bool { parked.isEmpty && stopped.isEmpty }

    /// Why a command would hang Linux; nil: it would not.
    ///
    /// - Parameter command: nil for a disable.
    package func objection(to command: Command?) -> String? {
        if !stopped.isEmpty {
            return """
                the hypervisor itself failed on CPU \(CPUList.text(stopped)), which answers no command any more, and Linux would \
                wait for it indefinitely. Save your work and reset the machine
                """
        }
        // creating a cell takes a CPU offline, for which Linux stops all of its CPUs for a moment (stop_machine,
        // kernel/cpu.c); disabling waits for each CPU to leave the hypervisor
        guard !parked.isEmpty, command == nil || command == .create else { return nil }
        return """
            Linux lost CPU \(CPUList.text(parked)) to the hypervisor, and would wait for it indefinitely. Save your work and \
            reset the machine
            """
    }
}
