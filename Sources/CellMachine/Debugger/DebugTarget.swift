// SPDX-License-Identifier: Apache-2.0

/// What a dialogue must know of an architecture.
protocol DebugTarget {
    /// What QEMU's stub is told first.
    var preparation: String? { get }
    /// The description that gdb needs, as XML; nil when QEMU's is right.
    var description: String? { get }
    /// Whether gdb knows the registers as QEMU has them, and QEMU itself finds memory at the cell's addresses while a CPU
    /// executes the cell.
    var speaksAsStub: Bool { get }

    /// - Parameter answer: QEMU's to `g`; nil when it is none.
    func registers(_ answer: [UInt8]) -> (any StubRegisters)?
}

/// The registers of a CPU, as QEMU's gdb stub gives them.
protocol StubRegisters {
    /// As QEMU has them.
    var bytes: [UInt8] { get }
    /// As gdb wants them.
    var all: [UInt8] { get }
    /// Nil when there is no such register.
    func one(_ number: Int) -> [UInt8]?
    /// - Parameter values: all that gdb knows, or the first of them.
    mutating func setAll(_ values: [UInt8])
    /// - Returns: whether there is such a register, of that size.
    mutating func setOne(_ number: Int, to value: [UInt8]) -> Bool

    /// Whether the CPU executes the monitor.
    func isMonitor(_ area: SharedArea) -> Bool
    /// The cell's registers in place of the monitor's.
    mutating func setCell(_ area: SharedArea, cpu index: Int)
    /// What the cell's page tables make of an address; nil when it is not mapped.
    ///
    /// - Parameter read: an entry of so many bytes at an address of the cell's memory; nil when there is none.
    func address(of linear: UInt64, _ read: (UInt64, Int) -> UInt64?) -> UInt64?
}

/// Cells for x86: gdb takes the CPUs for what their code is, QEMU always for x86-64.
struct X86Target: DebugTarget {
    let style: TargetRegisters.Style

    init(_ architecture: String?, of area: SharedArea) {
        style =
            architecture.flatMap { TargetRegisters.Style(rawValue: $0) }
            ?? (area.isInLongMode(cpu: 0) ? .amd64 : .i386)
    }

    let preparation: String? = "Qqemu.PhyMemMode:1"
    var description: String? { style.description }
    let speaksAsStub = false

    func registers(_ answer: [UInt8]) -> (any StubRegisters)? {
        TargetRegisters(answer: answer).map { X86Registers(registers: $0, style: style) }
    }
}

private struct X86Registers: StubRegisters {
    var registers: TargetRegisters
    let style: TargetRegisters.Style

    var bytes: [UInt8] { registers.bytes }
    var all: [UInt8] { registers.all(as: style) }
    func one(_ number: Int) -> [UInt8]? { registers.one(number, as: style) }
    mutating func setAll(_ values: [UInt8]) { registers.setAll(values, as: style) }
    mutating func setOne(_ number: Int, to value: [UInt8]) -> Bool { registers.setOne(number, to: value, as: style) }

    func isMonitor(_ area: SharedArea) -> Bool {
        let tables = area.base + UInt64(MonitorMemory.hostTables)
        let place = UInt64(MonitorMemory.virtualBase)
        return (tables..<tables + UInt64(MonitorMemory.hostTablePages) << 12).contains(registers.cr3)
            && (place..<place + UInt64(MonitorMemory.size)).contains(registers.rip)
    }

    mutating func setCell(_ area: SharedArea, cpu index: Int) {
        registers.setCell { area.controlBlock($0, cpu: index) }
    }

    func address(of linear: UInt64, _ read: (UInt64, Int) -> UInt64?) -> UInt64? {
        registers.paging.address(of: linear, read: read)
    }
}
