// SPDX-License-Identifier: Apache-2.0

// Compiled into both the host side and the cell monitor for Arm64.

/// What a cell asks by SMC (Arm's DEN0028 and DEN0022), and what the hypervisor does about it.
enum FirmwareCall: Hashable {
    /// What x0 has afterwards.
    case answer(Int64)
    /// Waits for an interrupt, then answers 0.
    case suspend
    /// The calling CPU.
    case off
    case on(affinity: UInt64, entry: UInt64, context: UInt64)
    case information(affinity: UInt64)
    /// Of Arm's own calls one that is not known.
    case unknownArchitectureCall
    /// A workaround that this processor does not need.
    case missingWorkaround
    /// Of an owner who answers nobody.
    case foreign

    /// PSCI's and SMCCC's answers.
    enum Answer {
        static let success: Int64 = 0
        static let notSupported: Int64 = -1
        static let denied: Int64 = -3
        static let alreadyOn: Int64 = -4
        static let isOn: Int64 = 0
        static let isOff: Int64 = 1
        /// 1.1, of both.
        static let version: Int64 = 0x1_0001
    }

    /// Bits 29 to 24 of the function.
    enum Owner {
        static let architecture: UInt64 = 0
        static let siliconPartner: UInt64 = 2
        static let standard: UInt64 = 4

        static func of(_ function: UInt64) -> UInt64 { function >> 24 & 0x3f }
    }

    private enum Function {
        static let conventionVersion: UInt64 = 0x8000_0000
        static let conventionFeatures: UInt64 = 0x8000_0001
        static let secondWorkaround: UInt64 = 0x8000_7fff

        static let version: UInt64 = 0x8400_0000
        static let suspend: UInt64 = 0x8400_0001
        static let off: UInt64 = 0x8400_0002
        static let on: UInt64 = 0x8400_0003
        static let information: UInt64 = 0x8400_0004
        static let features: UInt64 = 0x8400_000a
        /// What the same call with 64-bit arguments has besides.
        static let wide: UInt64 = 0x4000_0000
    }

    /// - Parameters:
    ///   - function: x0.
    ///   - arguments: x1 to x3.
    init(_ function: UInt64, _ arguments: (UInt64, UInt64, UInt64)) {
        switch Owner.of(function) {
        case Owner.architecture: self = FirmwareCall.architecture(function, arguments.0)
        case Owner.siliconPartner: self = .answer(Answer.notSupported)
        case Owner.standard: self = FirmwareCall.power(function, arguments)
        default: self = .foreign
        }
    }

    private static func architecture(_ function: UInt64, _ asked: UInt64) -> FirmwareCall {
        switch function {
        case Function.conventionVersion: return .answer(Answer.version)
        // no workaround: the processor of the simulated machine needs none
        case Function.conventionFeatures:
            let isKnown = asked == Function.conventionVersion || asked == Function.conventionFeatures
            return .answer(isKnown ? Answer.success : Answer.notSupported)
        case Function.secondWorkaround: return .missingWorkaround
        default: return .unknownArchitectureCall
        }
    }

    private static func power(_ function: UInt64, _ arguments: (UInt64, UInt64, UInt64)) -> FirmwareCall {
        let isWide = function & Function.wide != 0
        func argument(_ value: UInt64) -> UInt64 { isWide ? value : value & 0xffff_ffff }
        switch function {
        case Function.version: return .answer(Answer.version)
        case Function.suspend, Function.suspend | Function.wide: return .suspend
        case Function.off: return .off
        case Function.on, Function.on | Function.wide:
            return .on(
                affinity: argument(arguments.0), entry: argument(arguments.1), context: argument(arguments.2))
        case Function.information, Function.information | Function.wide:
            return .information(affinity: argument(arguments.0))
        case Function.features: return .answer(features(arguments.0))
        default: return .answer(Answer.notSupported)
        }
    }

    private static func features(_ asked: UInt64) -> Int64 {
        switch asked {
        case Function.version, Function.suspend, Function.suspend | Function.wide, Function.off, Function.on,
            Function.on | Function.wide, Function.information, Function.information | Function.wide,
            Function.features, Function.conventionVersion:
            Answer.success
        default: Answer.notSupported
        }
    }
}

/// How CPUs are named by PSCI and by the interrupt controller.
enum Affinity {
    /// Bits 39 to 32 and 23 to 0.
    static let mask: UInt64 = 0xff_00ff_ffff
    /// Of MPIDR: always 1.
    static let reserved: UInt64 = 1 << 31

    /// Of the machine's CPU of a number: QEMU's virt machine has 16 in a cluster with GICv3, 8 with GICv2.
    static func of(_ number: UInt32, gicVersion: UInt32) -> UInt64 {
        let clusterSize: UInt32 = gicVersion == 3 ? 16 : 8
        return UInt64(number / clusterSize) << 8 | UInt64(number % clusterSize)
    }
}
