extension CellDescriptor {
    /// What the rules say of the cell by itself.
    public func findings() -> [Finding] {
        CellRules.all.flatMap { $0.findings(in: CellRules.Subject(cell: self, table: "cell")) }
            + (MemoryRules.all + CommunicationRules.all + StartRules.all).flatMap { $0.findings(in: self) }
    }
}

extension SystemDescriptor {
    /// What the rules say of the system with its root cell.
    public func findings() -> [Finding] {
        SystemRules.all.flatMap { $0.findings(in: self) }
            + CellRules.all.flatMap { $0.findings(in: CellRules.Subject(cell: rootCell, table: "root-cell")) }
            + MemoryRules.all.flatMap { $0.findings(in: rootCell) }
    }

    /// What the rules say of a cell in this system, beyond ``CellDescriptor/findings()``.
    public func findings(ofCell cell: CellDescriptor) -> [Finding] {
        SystemRules.placement.flatMap { $0.findings(in: SystemRules.Placement(cell: cell, system: self)) }
    }
}
