extension CellDescriptor {
    /// What the rules say of the cell by itself.
    public func findings() -> [Finding] {
        []
    }
}

extension SystemDescriptor {
    /// What the rules say of the system with its root cell.
    public func findings() -> [Finding] {
        []
    }

    /// What the rules say of a cell in this system, beyond ``CellDescriptor/findings()``.
    public func findings(ofCell cell: CellDescriptor) -> [Finding] {
        []
    }
}
