// SPDX-License-Identifier: Apache-2.0

/// The interrupt controller's registers as the cell sees them: DistributorAccess says what is reached, here it is done
/// to the machine's.
enum Distributor {
    private static let targetsRegister: UInt64 = 0x800
    private static let routesRegister: UInt64 = 0x6000

    static func access(_ address: UInt64, _ size: Int, _ write: UInt64?, _ cpu: VirtualCPU) -> Access? {
        let version = Parameters.gicVersion
        let window: UInt64 = version == 3 ? 0x1_0000 : 0x1000
        guard address >= Parameters.distributor, address - Parameters.distributor < window else { return nil }
        let offset = address - Parameters.distributor
        let place = Machine.Place.distributor + offset
        let access = DistributorAccess(offset: offset, size: size, version: version, owned: Parameters.ownInterrupts)
        switch access {
        case .targets(let first): return targets(first, size, write)
        case .route(let interrupt): return route(interrupt, size, write)
        case .softwareInterrupt:
            if let write {
                InterruptController.send(
                    SoftwareInterrupt(distributorValue: UInt32(truncatingIfNeeded: write)), from: cpu)
            }
            return .value(0)
        default: return .value(perform(access, at: place, size, write))
        }
    }

    /// What needs no knowledge of CPUs.
    static func perform(_ access: DistributorAccess, at place: UInt64, _ size: Int, _ write: UInt64?) -> UInt64 {
        switch access {
        case .readOnly: return write == nil ? Machine.read(place, size: size) : 0
        case .bits(let mask):
            guard let write else { return Machine.read(place, size: size) & mask }
            Machine.write(write & mask, to: place, size: size)
            return 0
        case .fields(let mask):
            let now = Machine.read(place, size: size)
            guard let write else { return now & mask }
            Machine.write(now & ~mask | write & mask, to: place, size: size)
            return 0
        default: return 0
        }
    }

    /// Version 2. Those of a CPU are as they are; the cell sees the machine's numbers of CPUs.
    private static func targets(_ first: UInt32, _ size: Int, _ write: UInt64?) -> Access {
        var result: UInt64 = 0
        for index in 0..<UInt32(size) where first + index < DistributorAccess.interruptLimit {
            let interrupt = first + index
            let place = Machine.Place.distributor + targetsRegister + UInt64(interrupt)
            let shift = UInt64(index * 8)
            guard DistributorAccess.owns(interrupt, Parameters.ownInterrupts) else { continue }
            guard let write else {
                result |= UInt64(numbers(of: UInt32(truncatingIfNeeded: Machine.read(place, size: 1)))) << shift
                continue
            }
            guard interrupt >= DistributorAccess.firstShared else { continue }
            guard let mask = indices(of: UInt32(truncatingIfNeeded: write >> shift & 0xff)) else {
                return .refused(Violation(.route, UInt64(interrupt)))
            }
            Machine.write(UInt64(mask), to: place, size: 1)
        }
        return .value(result)
    }

    private static func numbers(of indices: UInt32) -> UInt32 {
        var mask: UInt32 = 0
        for index in 0..<Parameters.cpuCount where indices >> UInt32(index) & 1 != 0 {
            mask |= 1 << (Parameters.cpuNumber(index) & 7)
        }
        return mask
    }

    /// Nil when one is not the cell's.
    private static func indices(of numbers: UInt32) -> UInt32? {
        var mask: UInt32 = 0
        for number in UInt32(0)..<8 where numbers >> number & 1 != 0 {
            guard let index = Parameters.cpuIndex(number) else { return nil }
            mask |= 1 << UInt32(index)
        }
        return mask
    }

    /// Version 3.
    private static func route(_ interrupt: UInt32, _ size: Int, _ write: UInt64?) -> Access {
        let place = Machine.Place.distributor + routesRegister + UInt64(interrupt) * 8
        guard let write else {
            let index = Int(Machine.read(place, size: 8) & 0xff)
            return .value(Affinity.of(Parameters.cpuNumber(index), gicVersion: 3))
        }
        guard let index = Parameters.cpuIndex(affinity: write) else {
            return .refused(Violation(.route, UInt64(interrupt)))
        }
        Machine.write(UInt64(index), to: place, size: 8)
        return .value(0)
    }
}

/// The frames of the redistributor, version 3: one for each CPU of the system, so that a program may search for its own.
enum Redistributor {
    private enum Register {
        static let type = UInt64(0x08)..<0x10
        static let identification = UInt64(0xffd0)..<0x1_0000
        static let implementer: UInt64 = 0x04
        static let control: UInt64 = 0x00
        static let status: UInt64 = 0x10
        static let waker: UInt64 = 0x14
        static let interrupts: UInt64 = 0x1_0000
        static let groups: UInt64 = 0x80
    }

    private static let last: UInt64 = 1 << 4

    static func access(_ address: UInt64, _ size: Int, _ write: UInt64?) -> Access? {
        let frameSize = Machine.Place.redistributorSize
        guard Parameters.gicVersion == 3, address >= Parameters.redistributor,
            address - Parameters.redistributor < frameSize * UInt64(Parameters.systemCPUs)
        else { return nil }
        let number = UInt32(truncatingIfNeeded: (address - Parameters.redistributor) / frameSize)
        let offset = (address - Parameters.redistributor) % frameSize
        if Register.type.contains(offset) {
            return .value(type(of: number) >> ((offset - Register.type.lowerBound) * 8))
        }
        let index = Parameters.cpuIndex(number)
        let place = Machine.Place.redistributor + UInt64(index ?? 0) * frameSize + offset
        if offset == Register.implementer || Register.identification.contains(offset) {
            return .value(Distributor.perform(.readOnly, at: place, size, write))
        }
        guard index != nil else { return .value(0) }
        if offset == Register.control || offset == Register.status || offset == Register.waker {
            return .value(Distributor.perform(.fields(mask: .max), at: place, size, write))
        }
        // a CPU has 32 interrupts, and no say in their groups
        guard offset >= Register.interrupts + Register.groups + 4 else { return .value(0) }
        let access = DistributorAccess(
            offset: offset - Register.interrupts, size: size, version: 3, owned: { $0 == 0 ? .max : 0 })
        switch access {
        case .bits(let mask) where mask == 0: return .value(0)
        case .bits, .fields: return .value(Distributor.perform(access, at: place, size, write))
        default: return .value(0)
        }
    }

    private static func type(of number: UInt32) -> UInt64 {
        let affinity = Affinity.of(number, gicVersion: 3)
        return affinity << 32 | UInt64(number) << 8 | (number + 1 == Parameters.systemCPUs ? last : 0)
    }
}
