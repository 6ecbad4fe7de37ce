// SPDX-License-Identifier: Apache-2.0

/// Reads a text of the console line by line.
struct ConsoleReader {
    /// A reason whose CPU is not named yet.
    private(set) var violation: Violation?
    private var reason: String?
    private(set) var registers: [String: UInt64] = [:]
    private(set) var enable: RefusedEnable?
    private var fault: DMAFault?
    /// The line before was one of a build that traces errors: the first of several is where the error came from.
    private var isInTrace = false

    /// What is in every line that is looked at whatever was before it.
    private static let words = WordFilter([
        "FATAL: ", "Unhandled ", "Attempt to route", "testdev: ", "ERROR: ", "Parking CPU", "Stopping CPU",
        "<missed ", "Started cell", "Closing cell", "Timeout expired", "verflow", "IOMMU", "Initializing ", "FAILED",
    ])

    mutating func take(_ line: [UInt8], into text: inout ConsoleText) {
        note(remark: line, into: &text)
        if enable != nil { RefusedEnable.follow(line, &enable) }
        guard Self.words.isOne(in: line) else {
            if takeFault(line, into: &text) { return }
            // the reason may be lost before them
            addRegisters(line)
            return
        }
        if enable == nil { RefusedEnable.follow(line, &enable) }
        note(life: line, into: &text)
        if let found = ConsoleGrammar.reason(in: line) { return note(found, into: &text) }
        if let values = Self.parking.match(line) { return end(values, isStopped: false, into: &text) }
        if let values = Self.stopping.match(line) { return end(values, isStopped: true, into: &text) }
        if takeFault(line, into: &text) { return }
        addRegisters(line)
    }

    private mutating func end(_ values: [LinePattern.Value], isStopped: Bool, into text: inout ConsoleText) {
        let values = ConsoleGrammar.Values(values)
        text.deaths.append(
            Death(
                cpu: Int(clamping: values.number(0)), cell: values.text(1), isStopped: isStopped,
                violation: violation?.completed(by: registers), reason: reason,
                programCounter: Death.programCounter(in: registers), registers: registers))
        (violation, reason, registers) = (nil, nil, [:])
    }

    /// The first number of a register counts: a dump has each once, and other text may stand in it.
    private mutating func addRegisters(_ line: [UInt8]) {
        guard line.contains(where: { $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: "=") }) else { return }
        registers.merge(DumpRegisters.found(in: String(decoding: line, as: UTF8.self))) { first, _ in first }
    }

    private mutating func note(_ found: ConsoleGrammar.Reason, into text: inout ConsoleText) {
        if let earlier = violation {
            // the lines of one failure are together, and its dump follows them
            if registers.isEmpty, let joined = earlier.joined(with: found.violation) {
                switch earlier {
                case .unknown: reason = found.text
                case .unreadableInstruction, .unsupportedInstruction, .inconsistentAccess, .pagingMode:
                    reason = found.text + (reason.map { " (\($0))" } ?? "")
                default: break
                }
                violation = joined
                return
            }
            text.others.append(earlier.completed(by: registers))
        }
        (violation, reason, registers) = (found.violation, found.text, [:])
    }

    private static let missed = LinePattern("<missed {d} bytes of console log>")
    private static let timeout = LinePattern("Timeout expired while waiting for reply from target cell")
    private static let overflow = LinePattern("verflow occurred, some events were lost!")
    private static let started = LinePattern("Started cell \"")
    private static let closing = LinePattern("Closing cell \"")

    /// What is no reason, and says something all the same.
    private mutating func note(life line: [UInt8], into text: inout ConsoleText) {
        let gap = Self.missed.match(line).map { ConsoleGrammar.Values($0).number(0) }
        if let gap { text.missedBytes = text.missedBytes.addingReportingOverflow(gap).partialValue }
        if Self.timeout.match(line) != nil { text.timeouts += 1 }
        if Self.overflow.match(line) != nil { text.lostFaultReports += 1 }
        // a reason from before is not that of a CPU which is parked after it
        guard gap != nil || Self.started.match(line) != nil || Self.closing.match(line) != nil else { return }
        if let violation { text.others.append(violation.completed(by: registers)) }
        (violation, reason, registers, fault) = (nil, nil, [:], nil)
    }

    private mutating func note(remark line: [UInt8], into text: inout ConsoleText) {
        let wasInTrace = isInTrace
        isInTrace = false
        guard let remark = ConsoleRemark(line) else { return }
        isInTrace = remark.isTrace
        if remark.isTrace, wasInTrace || enable != nil { return }
        guard text.remarks.count < 100, !text.remarks.contains(remark) else { return }
        text.remarks.append(remark)
    }

    private static let parking = LinePattern("Parking CPU {d} (Cell: \"{q}\")")
    private static let stopping = LinePattern("Stopping CPU {d} (Cell: \"{q}\")")

    // MARK: reports of IOMMUs, of several lines

    private static let intel = LinePattern("VT-d fault event reported by IOMMU {d}:")
    private static let intelSource = LinePattern("Source Identifier (bus:dev.func): {dev}")
    private static let intelReason = LinePattern("Fault Reason: {x} Fault Info: {x} Type {d}")
    private static let amd = LinePattern("AMD IOMMU {d} reported event")
    private static let amdCode = LinePattern("EventCode: {x}, Operand 1: {x}, Operand 2: {x}")
    private static let amdDevice = LinePattern("DeviceId (bus:dev.func): {dev}")

    private mutating func takeFault(_ line: [UInt8], into text: inout ConsoleText) -> Bool {
        let intel = Self.intel.match(line)
        if let values = (intel ?? Self.amd.match(line)).map(ConsoleGrammar.Values.init) {
            fault = DMAFault(unit: values.number(0), device: "", code: 0, vendor: intel == nil ? .amd : .intel)
            return true
        }
        guard var current = fault else { return false }
        if let values = (Self.intelSource.match(line) ?? Self.amdDevice.match(line)).map(ConsoleGrammar.Values.init) {
            current.device = values.text(0)
        } else if let values = Self.intelReason.match(line).map(ConsoleGrammar.Values.init) {
            current.code = values.number(0)
            // the number of the page
            current.address = values.number(1) << 12
            current.access = values.number(2) == 1 ? .read : .write
        } else if let values = Self.amdCode.match(line).map(ConsoleGrammar.Values.init) {
            current.code = values.number(0)
            // the unit's own errors are no device's: they are remarks
            guard ![5, 6].contains(current.code) else {
                fault = nil
                return false
            }
            current.take(event: values.number(1), values.number(2))
        } else {
            return false
        }
        fault = current
        if !current.device.isEmpty, current.code != 0 {
            text.dmaFaults.append(current)
            fault = nil
        }
        return true
    }
}
