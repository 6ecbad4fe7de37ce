// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

/// A failure of the hypervisor itself, which takes a CPU until the next boot.
package enum HypervisorFailure: String, Hashable, Sendable, CaseIterable {
    case exception, abort, vmwrite, invept, vmresume
    case cpuReset = "cpu-reset"
    case messageState = "msi-state"
    case pinState = "ioapic-state"
    case commandError = "iommu-command"

    /// Whether the hypervisor of such a machine prints it.
    func isPossible(on architecture: Architecture) -> Bool { (self == .abort) == (architecture != .x86) }

    var lines: [String] {
        switch self {
        case .exception:
            [
                "FATAL: Jailhouse triggered exception #14", "Error code: 2", "Physical CPU ID: 1",
                "RIP: 0xfffffffff0012345 RSP: 0xfffffffff0200f00 FLAGS: 2", "CR2: 0x0000000000000010",
            ]
        case .abort: ["", "FATAL: Unhandled HYP exception: synchronous abort from EL2"]
        case .vmwrite: ["FATAL: vmwrite 00006806 failed, error 12, caller 0xfffffffff0012345"]
        case .invept: ["FATAL: invept failed, error 28"]
        case .vmresume: ["FATAL: vmresume failed, error 5"]
        case .cpuReset: ["FATAL: CPU reset failed, error 12"]
        case .messageState: ["FATAL: Unsupported MSI/MSI-X state, device 00:1f.2, cap 5"]
        case .pinState: ["FATAL: Unsupported IOAPIC state, pin 9"]
        case .commandError: ["FATAL: IOMMU 0 command error"]
        }
    }
}

/// An access of a device that the IOMMU dropped. No CPU is parked.
package struct DeviceAccess: Hashable, Sendable {
    /// bus:device.function
    package var device: String
    package var address: UInt64
    package var isRead: Bool

    /// From words such as `00:02.0`, `0x3a100000`, `write`.
    init?(_ words: [String]) {
        guard (2...3).contains(words.count), words[0].count >= 7, words[0].contains(":"), words[0].contains("."),
            words[1].hasPrefix("0x"), let address = UInt64(words[1].dropFirst(2), radix: 16),
            words.count == 2 || ["read", "write"].contains(words[2])
        else { return nil }
        (device, self.address, isRead) = (words[0], address, words.count == 2 || words[2] == "read")
    }

    func lines(_ wording: ConsoleWording) -> [String] {
        switch wording {
        case .intel:
            [
                "VT-d fault event reported by IOMMU 0:", " Source Identifier (bus:dev.func): \(device)",
                " Fault Reason: 0x\(isRead ? 6 : 5) Fault Info: \(String(address >> 12, radix: 16)) Type \(isRead ? 1 : 0)",
            ]
        case .amd:
            [
                "AMD IOMMU 0 reported event",
                " EventCode: 2, Operand 1: \(isRead ? "2000000000000000" : "2020000000000000"), "
                    + "Operand 2: \(String(address, radix: 16))",
                " DeviceId (bus:dev.func): \(device)",
            ]
        }
    }
}

extension Machine {
    /// - Throws: ``SimulatorError`` `condition` while the hypervisor is disabled, and on a machine without such a unit.
    mutating func loseReports(inHardware: Bool) throws(SimulatorError) {
        guard isEnabled, EnableStop.units(of: settings).contains(.amdIOMMU) else {
            throw SimulatorError(.condition, "only the hypervisor on an AMD machine reports that")
        }
        console.print(
            "IOMMU 0: \(inHardware ? "Hardware Event Overflow" : "Event Log overflow") occurred, some events were lost!"
        )
        report("the IOMMU lost reports")
    }

    /// - Throws: ``SimulatorError`` `condition` while the hypervisor is disabled.
    package mutating func report(_ access: DeviceAccess) throws(SimulatorError) {
        guard isEnabled else {
            throw SimulatorError(.condition, "the hypervisor is disabled: nothing can be forbidden to a device")
        }
        for line in access.lines(settings.wording) { console.print(line) }
        report("the IOMMU dropped an access of \(access.device)")
    }
}
