// SPDX-License-Identifier: Apache-2.0

/// The cell's serial port where QEMU has no such: it prints on QEMU's.
enum SerialPort {
    private typealias Offset = MonitorMemory.Arm64.Parameter

    private static let printer: UInt64 = 0x0900_0000
    private static let pageSize: UInt64 = 0x1000
    private static let registersSize: UInt64 = 0x100

    /// What the cell would reach by itself on a machine that has the port.
    static func page(_ address: UInt64, _ write: UInt64?) -> UInt64? {
        let page = Parameters.long(Offset.serialPage)
        guard kind != nil, page != .max, address >= page, address - page < pageSize else { return nil }
        let begin = Parameters.long(Offset.serialAddress) & (pageSize - 1)
        return perform(address - page &- begin, write)
    }

    /// - Parameter physical: of a register, as the configuration has it.
    static func register(_ physical: UInt64, _ write: UInt64?) -> UInt64? {
        let begin = Parameters.long(Offset.serialAddress)
        guard kind != nil, physical >= begin, physical - begin < registersSize else { return nil }
        return perform(physical - begin, write)
    }

    private static var kind: SerialPortModel.Kind? {
        SerialPortModel.Kind(rawValue: Parameters.word(Offset.serialKind))
    }

    private static func perform(_ offset: UInt64, _ write: UInt64?) -> UInt64 {
        guard let kind else { return 0 }
        var model = SerialPortModel(
            kind: kind, distance: UInt64(Parameters.word(Offset.serialDistance)),
            lineControl: Parameters.word(Offset.serialLineControl))
        guard let write else { return model.read(offset) }
        if let character = model.write(write, at: offset) { Machine.write32(UInt32(character), to: printer) }
        Parameters.setWord(Offset.serialLineControl, model.lineControl)
        return 0
    }
}
