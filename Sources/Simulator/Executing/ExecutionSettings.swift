// SPDX-License-Identifier: Apache-2.0

package import CellConfiguration
package import CellMachine
import Glibc
import SystemCalls

/// What cells need to execute, and what they contain besides their configuration.
package struct ExecutionSettings: Sendable {
    /// What a cell has in the simulated machine only.
    package struct Hardware: Sendable {
        package var devices: [SimulatedDevice]
        package var legacyDevices: Set<LegacyDevice>

        package init(devices: [SimulatedDevice] = [], legacyDevices: Set<LegacyDevice> = []) {
            self.devices = devices
            self.legacyDevices = legacyDevices
        }
    }

    /// QEMU for the machine's architecture.
    package var emulator: String
    /// Of x86 only.
    package var firmware: String
    package var monitor: String
    /// Devices in the machine's PCI slots, for the cell that owns them.
    package var devices: [SimulatedDevice] = []
    /// A PCI device of a cell about which nothing is specified.
    package static let standardModel = "e1000e"
    /// The network that all of those are on.
    package static let standardNetwork = "lan"
    /// How long QEMU may take for an answer before it is given up.
    var patience = Duration.seconds(20)
    /// Whether a CPU that touches what is not its cell's is held at its instruction, for a debugger.
    package var stopsOnViolation = false
    /// What the cell of that name has, asked when it is created.
    package var hardware: @Sendable (String) -> Hardware = { _ in Hardware() }

    /// Looks for QEMU in PATH; for the monitor beside this program where it was built, and in `../lib/jailhoused`
    /// where it is installed.
    ///
    /// - Throws: ``SimulatorError`` `execution`, with what to do.
    package static func find(_ architecture: Architecture = .x86) throws(SimulatorError) -> ExecutionSettings {
        let isArm = architecture != .x86
        let name = isArm ? "qemu-system-aarch64" : "qemu-system-x86_64"
        guard let emulator = program(name) else {
            throw SimulatorError(
                .execution,
                "\(name) is not installed (Debian and Ubuntu: apt install qemu-system-\(isArm ? "arm" : "x86"))")
        }
        let names = ["cell-firmware.bin", isArm ? "cell-monitor-arm64.bin" : "cell-monitor.bin"]
        for place in places {
            let files = names.map { "\(place)/\($0)" }
            if files.allSatisfy({ access($0, R_OK) == 0 }) {
                return ExecutionSettings(emulator: emulator, firmware: files[0], monitor: files[1])
            }
        }
        throw SimulatorError(
            .execution,
            "the cell monitor is not built: run make cell-monitor (looked for \(names[1]) in "
                + places.joined(separator: ", ") + ")")
    }

    private static func program(_ name: String) -> String? {
        let path = getenv("PATH").map { String(cString: $0) } ?? ""
        return (path.split(separator: ":").map(String.init) + ["/usr/bin"]).map { "\($0)/\(name)" }
            .first { access($0, X_OK) == 0 }
    }

    private static var places: [String] {
        guard let program = SystemCall.realPath("/proc/self/exe") else { return [] }
        let parts = program.split(separator: "/").dropLast()
        let installed = "/" + (parts.dropLast() + ["lib", "jailhoused"]).joined(separator: "/")
        // .build/debug is a link into .build/TRIPLE/debug
        guard let build = parts.lastIndex(of: ".build") else { return [installed] }
        return ["/" + parts[..<build].joined(separator: "/") + "/Sources/CellMonitor/build", installed]
    }
}

/// What runs in the cells of a simulated machine.
package enum CellExecution: Sendable {
    /// Nothing executes: cells come up, answer, and do what `inject` says.
    case scripted
    /// Each cell's inmate does, in a QEMU process.
    case executing(ExecutionSettings)
}
