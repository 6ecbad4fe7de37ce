// SPDX-License-Identifier: Apache-2.0

package import CellConfiguration

extension CellDescriptor {
    /// What the rules say of the cell by itself.
    package func findings() -> [Finding] {
        CellRules.all.flatMap { $0.findings(in: CellRules.Subject(cell: self, table: "cell")) }
            + ConsoleRules.all.flatMap {
                $0.findings(in: ConsoleRules.Subject(console, of: self, at: "cell.console"))
            }
            + RuleTables.ofCells.flatMap { $0.findings(in: self) }
    }
}

extension SystemDescriptor {
    /// What the rules say of the system with its root cell.
    package func findings() -> [Finding] {
        let root = SystemRules.Placement(cell: rootCell, system: self)
        return RuleTables.ofSystems.flatMap { $0.findings(in: self) }
            + CellRules.all.flatMap { $0.findings(in: CellRules.Subject(cell: rootCell, table: "root-cell")) }
            + ConsoleRules.all.flatMap {
                $0.findings(in: ConsoleRules.Subject(debugConsole, of: rootCell, at: "debug-console"))
                    + $0.findings(in: ConsoleRules.Subject(rootCell.console, of: rootCell, at: "root-cell.console"))
            }
            + RuleTables.ofAnyCell.flatMap { $0.findings(in: rootCell) }
            + RuleTables.ofHardware.flatMap { $0.findings(in: root) }
    }

    /// What the rules say of a cell in this system, beyond ``CellDescriptor/findings()``.
    package func findings(ofCell cell: CellDescriptor) -> [Finding] {
        var cell = cell
        // the file does not say it: the system beside it does
        if cell.isArchitectureGuessed { cell.architecture = architecture }
        let placement = SystemRules.Placement(cell: cell, system: self)
        return (RuleTables.ofPlacement + RuleTables.ofHardware).flatMap { $0.findings(in: placement) }
    }
}

/// All rules about configurations by what they look at; ``CellRules`` and ``GroupRules`` have their own subjects.
enum RuleTables {
    /// A cell or the root cell.
    static let ofAnyCell: [Rule<CellDescriptor>] =
        MemoryRules.all + PCIRules.all + IvshmemRules.all + InterruptRules.all + IsolationRules.all
        + PortRules.all

    /// A cell that is not the root cell.
    static let ofCells =
        ofAnyCell + CommunicationRules.all + StartRules.all + PracticeRules.all + PortRules.ofCells
        + InterruptRules.ofCells

    static let ofSystems =
        SystemRules.all + EmulatedDeviceRules.ofRootCell + IsolationRules.ofSystems + InterruptRules.ofSystems
        + GICRules.ofSystems + DomainRules.ofSystems + RootCellRules.all + PCPlatformRules.ofSystems
        + VirtualHostRules.ofSystems

    /// A cell in its system.
    static let ofPlacement =
        SystemRules.placement + SystemRules.armPlacement + EmulatedDeviceRules.ofCells + PCIRules.placement
        + IvshmemRules.placement + InterruptRules.placement + IsolationRules.placement + PracticeRules.placement
        + PortRules.placement + PagePoolRules.placement + DomainRules.placement

    /// A cell, or the root cell, on the machine that the system describes.
    static let ofHardware = PCIRules.hardware + InterruptRules.hardware
}
