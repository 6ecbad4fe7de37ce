// SPDX-License-Identifier: Apache-2.0

/// The keyboard controller's command port, for a cell that has it: not the commands that reset the machine.
enum Keyboard {
    private static let commandPort: UInt32 = 0x64
    private static let writeOutput: UInt32 = 0xd1
    private static let pulse: UInt32 = 0xf0

    /// Nil when it is another port. - Parameter write: what is written; nil for a read.
    static func port(_ port: UInt32, size: Int, write: UInt32?) -> Access? {
        guard port == commandPort, Parameters.has(MonitorMemory.Flag.hasKeyboard) else { return nil }
        guard size == 1 else { return .refused(Violation(.keyboard)) }
        guard let write = write.map({ $0 & 0xff }) else { return .value(UInt64(Port.read(port, size: 1))) }
        guard write != writeOutput, write & pulse != pulse else { return .refused(Violation(.keyboard)) }
        Port.write(write, to: port, size: 1)
        return .value(0)
    }
}
