// SPDX-License-Identifier: Apache-2.0

/// Lines by which the hypervisor tells what it does (hypervisor/control.c, setup.c, pci.c, ivshmem.c and the architectures'):
/// no program in a cell prints them.
package enum HypervisorLine {
    private static let beginnings = [
        "Initializing ", "Code location: ", "Using xAPIC", "Using x2APIC", "Page pool usage ", "Activating hypervisor",
        "Created cell \"", "Started cell \"", "Closing cell \"", "Shutting down hypervisor", " Releasing CPU ", " CPU ",
        "Parking CPU ", "Stopping CPU ", "Adding PCI device ", "Adding virtual PCI device ", "Removing PCI device ",
        "Shared memory connection established", "DMAR unit @", "AMD IOMMU @", "CAT: ", "FATAL: ", "WARNING: ",
        "Timeout expired while waiting", "Ignoring NMI IPI", "VT-d fault event ", "Root cell ", " Source Identifier ",
    ]

    package static func isOne(_ line: some StringProtocol) -> Bool {
        if beginnings.contains(where: line.hasPrefix) { return true }
        // `Cell "x" can be loaded`, ` "x"` of a connection's peers, `Reserving 3 interrupt(s)`, `CPU 3 received SIPI`
        return line.hasPrefix("Cell \"") && line.contains("can be loaded")
            || line.hasPrefix(" \"")
            || (line.hasPrefix("Reserving ") || line.hasPrefix("Freeing ")) && line.contains("interrupt(s) for device")
            || line.hasPrefix("CPU ") && line.contains("received SIPI")
    }
}
