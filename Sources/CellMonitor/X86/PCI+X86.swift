// SPDX-License-Identifier: Apache-2.0

/// Configuration space by ports, and the machine's own.
extension PCI {
    private typealias Offset = MonitorMemory.Parameter

    private static let addressPort: UInt32 = 0xcf8
    private static let dataPort: UInt32 = 0xcfc

    /// Nil when it is another port. - Parameter write: what is written; nil for a read.
    static func port(_ port: UInt32, size: Int, write: UInt32?) -> Access? {
        let address = Parameters.word(Offset.configurationAddress)
        let refused = Access.refused(
            Violation(
                .configurationPort, UInt64(port), UInt64(size) | (write == nil ? 1 << 8 : 0), UInt64(address)))
        switch port {
        case addressPort:
            guard size == 4 else { return refused }
            if let write { Parameters.setWord(Offset.configurationAddress, write) }
            return .value(UInt64(address))
        case dataPort..<dataPort + 4:
            guard port + UInt32(size) <= dataPort + 4 else { return refused }
            let register = address & 0xfc + (port - dataPort)
            return access(function: address >> 8 & 0xffff, register, size, write) ?? refused
        default: return nil
        }
    }

    // MARK: the machine's own

    static func read(function: UInt32, register: UInt32, size: Int) -> UInt32 {
        Parameters.locked(Offset.configurationLock) {
            if register >= 0x100 { return extendedRead(function, register, size) }
            Port.write(1 << 31 | function << 8 | register & 0xfc, to: addressPort, size: 4)
            return Port.read(dataPort + register & 3, size: size)
        }
    }

    static func write(_ value: UInt32, function: UInt32, register: UInt32, size: Int) {
        Parameters.locked(Offset.configurationLock) {
            if register >= 0x100 {
                let place = Parameters.configurationSpace + UInt64(function << 12 | register)
                Machine.write(UInt64(value), to: place, size: size)
                return
            }
            Port.write(1 << 31 | function << 8 | register & 0xfc, to: addressPort, size: 4)
            Port.write(value, to: dataPort + register & 3, size: size)
        }
    }

    private static func extendedRead(_ function: UInt32, _ register: UInt32, _ size: Int) -> UInt32 {
        guard Parameters.configurationSpace != 0 else { return 0xffff_ffff }
        let place = Parameters.configurationSpace + UInt64(function << 12 | register)
        return UInt32(truncatingIfNeeded: Machine.read(place, size: size))
    }
}
