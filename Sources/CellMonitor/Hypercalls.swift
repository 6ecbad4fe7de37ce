// SPDX-License-Identifier: Apache-2.0

/// What a cell may ask of the hypervisor (upstream's Documentation/hypervisor-interfaces).
enum Hypercalls {
    private enum Code {
        static let hypervisorInformation: UInt32 = 5
        static let cpuInformation: UInt32 = 7
        static let putCharacter: UInt32 = 8
        static let last: UInt32 = 8
    }

    static let notPermitted: Int64 = -1
    static let unknown: Int64 = -38
    private static let invalid: Int64 = -22

    /// - Returns: the call's result; nil when there is no such call.
    static func result(of code: UInt32, _ first: UInt32, _ second: UInt32, by cpu: VirtualCPU) -> Int64? {
        switch code {
        case Code.putCharacter:
            guard Parameters.has(MonitorMemory.Flag.putcPermitted) else { return notPermitted }
            Events.tell(.character, cpu: cpu.index, first & 0xff)
            return 0
        case Code.hypervisorInformation:
            guard first < MonitorMemory.Parameter.toldNumbers else { return invalid }
            return Int64(Parameters.word(MonitorMemory.Parameter.hypervisorNumbers + 4 * Int(first)))
        case Code.cpuInformation: return information(of: first, second)
        case 0...Code.last: return notPermitted  // the root cell's
        default: return nil
        }
    }

    /// Of the kinds of information: the sum of all counters, then each.
    private static let firstCounter: UInt32 = 1000

    /// - Parameter kind: 0 the CPU's state, from ``firstCounter`` its counters, the sum first.
    private static func information(of number: UInt32, _ kind: UInt32) -> Int64 {
        guard number < Parameters.word(MonitorMemory.Parameter.machineCPUs) else { return invalid }
        guard let index = Parameters.cpuIndex(number) else { return notPermitted }
        let target = VirtualCPU(index: index)
        if kind == 0 { return target.word(MonitorMemory.Record.failed) != 0 ? 2 : 0 }
        var counters = 0
        while Counter(rawValue: counters) != nil { counters += 1 }
        guard kind >= firstCounter, Int(kind - firstCounter) <= Counter.shown else { return invalid }
        var value: UInt64 = 0
        for counter in 0..<counters where kind == firstCounter || Int(kind - firstCounter) - 1 == counter {
            value &+= target.counter(counter)
        }
        return Int64(value & 0x7fff_ffff)
    }
}
