/// What Linux says of a machine, as it stands in its files: of the running machine or of one whose files were
/// copied.
public struct MachineCapture: Hashable, Sendable {
    /// A PCI function: a directory in `/sys/bus/pci/devices`.
    public struct PCIFiles: Hashable, Sendable {
        /// The directory's name: `0000:00:1f.2`.
        public var name: String
        /// Its configuration space; only 64 bytes of it for those who are not root.
        public var config: [UInt8]
        /// One line a resource: first address, last address, flags.
        public var resource: String

        public init(name: String, config: [UInt8], resource: String) {
            self.name = name
            self.config = config
            self.resource = resource
        }
    }

    /// `/proc/iomem`; addresses are zeros for those who are not root.
    public var iomem = ""
    /// `/proc/ioports`
    public var ioports = ""
    /// `/proc/cmdline`
    public var commandLine = ""
    /// `/sys/devices/system/cpu/present`
    public var cpus = ""
    /// `/sys/class/dmi/id/product_name`; empty when the firmware tells none.
    public var productName = ""
    /// By their file names in `/sys/firmware/acpi/tables`: `APIC`, `MCFG`, `FACP`, `DMAR`, `IVRS`.
    public var tables: [String: [UInt8]] = [:]
    /// In any order.
    public var pciFunctions: [PCIFiles] = []

    public init() {}
}

extension [UInt8] {
    /// A little-endian number; nil when its bytes are not all there.
    func number(at offset: Int, _ width: Int) -> UInt64? {
        guard offset >= 0, width <= count, offset <= count - width else { return nil }
        return self[offset..<offset + width].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
