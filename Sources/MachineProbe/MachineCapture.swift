// SPDX-License-Identifier: Apache-2.0

package import DeviceTree

/// What Linux says of a machine, as it stands in its files: of the running machine or of one whose files were
/// copied.
package struct MachineCapture: Hashable, Sendable {
    /// A PCI function: a directory in `/sys/bus/pci/devices`.
    package struct PCIFiles: Hashable, Sendable {
        /// The directory's name: `0000:00:1f.2`.
        package var name: String
        /// Its configuration space; only 64 bytes of it for users other than root.
        package var config: [UInt8]
        /// One line a resource: first address, last address, flags.
        package var resource: String

        package init(name: String, config: [UInt8], resource: String) {
            self.name = name
            self.config = config
            self.resource = resource
        }
    }

    /// `/proc/iomem`; addresses are zeros for users other than root.
    package var iomem = ""
    /// `/proc/ioports`
    package var ioports = ""
    /// `/proc/cmdline`
    package var commandLine = ""
    /// `/sys/devices/system/cpu/present`
    package var cpus = ""
    /// `/sys/class/dmi/id/product_name`; empty when the firmware has none.
    package var productName = ""
    /// By their file names in `/sys/firmware/acpi/tables`: `APIC`, `MCFG`, `FACP`, `DMAR`, `IVRS`.
    package var tables: [String: [UInt8]] = [:]
    /// `/proc/cpuinfo`
    package var cpuInfo = ""
    /// Registers of the first processor by their numbers (`/dev/cpu/0/msr`), as far as they could be read.
    package var registers: [UInt32: UInt64] = [:]
    /// Those that ``registers`` should have on x86.
    package static var wantedRegisters: [UInt32] { ProcessorFeatures.registers }
    /// Arm: what the firmware says of the machine.
    package var deviceTree: DeviceNode?
    /// In any order.
    package var pciFunctions: [PCIFiles] = []

    package init() {}
}

extension [UInt8] {
    /// A little-endian number; nil when its bytes are not all there.
    func number(at offset: Int, _ width: Int) -> UInt64? {
        guard offset >= 0, width <= count, offset <= count - width else { return nil }
        return self[offset..<offset + width].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
