// SPDX-License-Identifier: Apache-2.0

/// A CPU that the hypervisor took out of use, and what it printed before it did.
package struct Death: Hashable, Sendable {
    package var cpu: Int
    /// Linux's own, if that is the root cell's name.
    package var cell: String
    /// The CPU is gone until the next boot, not only until the cell is started again.
    package var isStopped: Bool
    /// Nil when no line before it is a reason: the text of a second CPU that dies meanwhile is lost.
    package var violation: Violation?
    /// The hypervisor's words for it.
    package var reason: String?
    /// The program counter; nil when the dump is not in the text.
    package var programCounter: UInt64?
    /// By the names in the dump, lower case: `rax`, `esr`, `x0`.
    package var registers: [String: UInt64]
}

extension Death {
    /// Of a text that ends before it names the CPU and the cell.
    package init(unfinished violation: Violation, registers: [String: UInt64]) {
        self.init(
            cpu: -1, cell: "", isStopped: false, violation: violation,
            programCounter: registers["rip"] ?? registers["pc"],
            registers: registers)
    }
}

/// Everything that a text of the hypervisor's console reports.
package struct ConsoleText: Hashable, Sendable {
    package var deaths: [Death] = []
    package var dmaFaults: [DMAFault] = []
    /// Reasons after which no CPU was parked in this text: it is cut off, or the enable failed.
    package var others: [Violation] = []
    /// Of the last one of ``others``, where its dump is in the text without the line that parks the CPU.
    package var lastRegisters: [String: UInt64] = [:]
    /// The last part that the hypervisor began to initialise, where its enable did not end; nil: none was refused.
    package var refusedEnable: RefusedEnable?
    /// How often the hypervisor gave up waiting for a cell's answer.
    package var timeouts = 0
    /// Bytes that the text says are missing.
    package var missedBytes: UInt64 = 0
    /// Reports of IOMMUs that were lost, in the IOMMU's own words.
    package var lostFaultReports = 0

    package init(_ text: String) {
        var reader = Reader()
        // CR LF, LF, and the CRs of serial consoles in between
        for line in text.split(whereSeparator: { $0 == "\n" || $0 == "\r" || $0 == "\r\n" }) {
            reader.take(String(line), into: &self)
        }
        if let violation = reader.violation {
            others.append(violation)
            lastRegisters = reader.registers
        }
        refusedEnable = reader.enable
    }

    private struct Reader {
        var violation: Violation?
        var reason: String?
        var registers: [String: UInt64] = [:]
        var fault: DMAFault?
        var enable: RefusedEnable?

        mutating func take(_ line: String, into text: inout ConsoleText) {
            let bytes = Array(line.utf8)
            note(life: bytes, into: &text)
            if let found = ConsoleGrammar.reason(in: line) { return note(found, into: &text) }
            if let values = Self.parking.match(bytes) ?? Self.stopping.match(bytes) {
                let values = ConsoleGrammar.Values(values)
                let counter = registers["rip"] ?? registers["pc"]
                text.deaths.append(
                    Death(
                        cpu: Int(clamping: values.number(0)), cell: values.text(1),
                        isStopped: Self.stopping.match(bytes) != nil, violation: violation, reason: reason,
                        programCounter: counter, registers: registers))
                (violation, reason, registers) = (nil, nil, [:])
                return
            }
            if takeFault(bytes, into: &text) { return }
            if violation != nil { registers.merge(Self.registers(in: line)) { _, new in new } }
        }

        private mutating func note(_ found: ConsoleGrammar.Reason, into text: inout ConsoleText) {
            switch (violation, found.violation) {
            // the verdict of Arm follows its reason; the line of the access follows why the instruction is unknown
            case (.some(let earlier), .armTrap) where !earlier.isArmTrap: return
            case (.unreadableInstruction?, .memory), (.unsupportedInstruction?, .memory),
                (.inconsistentAccess?, .memory):
                violation = found.violation.withUnknownInstruction(violation)
                return
            default: break
            }
            if let violation { text.others.append(violation) }
            (violation, reason, registers) = (found.violation, found.text, [:])
        }

        private static let missed = LinePattern("<missed {d} bytes of console log>")
        private static let timeout = LinePattern("Timeout expired while waiting for reply from target cell")
        private static let overflow = LinePattern("verflow occurred, some events were lost!")

        /// What is no reason, and says something all the same.
        private mutating func note(life line: [UInt8], into text: inout ConsoleText) {
            RefusedEnable.follow(line, &enable)
            // most lines are none of these
            guard
                line.first == UInt8(ascii: "<") || line.contains(UInt8(ascii: "T")) || line.contains(UInt8(ascii: "!"))
            else { return }
            if let values = Self.missed.match(line) { text.missedBytes += ConsoleGrammar.Values(values).number(0) }
            if Self.timeout.match(line) != nil { text.timeouts += 1 }
            if Self.overflow.match(line) != nil { text.lostFaultReports += 1 }
        }

        private static let parking = LinePattern("Parking CPU {d} (Cell: \"{q}\")")
        private static let stopping = LinePattern("Stopping CPU {d} (Cell: \"{q}\")")

        /// `RIP: 0x… RSP: 0x…`, ` pc: … lr: …`, ` x0: …`, `esr: 24 1 0000046`, `EFER.LMA 1`; 32-bit Arm: `pc=0x…`.
        private static func registers(in line: String) -> [String: UInt64] {
            var found: [String: UInt64] = [:]
            let words = line.split(separator: " ")
            func number(_ index: Int) -> UInt64? {
                guard words.indices.contains(index) else { return nil }
                return UInt64(words[index].hasPrefix("0x") ? words[index].dropFirst(2) : words[index], radix: 16)
            }
            for (index, word) in words.enumerated() {
                if word.hasSuffix(":"), let value = number(index + 1) {
                    found[word.dropLast().lowercased()] = value
                    // the class, whether the instruction has 32 bits, the syndrome
                    if word == "esr:" { found["iss"] = number(index + 3) }
                } else if let equals = word.firstIndex(of: "="), word[equals...].hasPrefix("=0x"),
                    let value = UInt64(word[word.index(equals, offsetBy: 3)...], radix: 16)
                {
                    found[word[..<equals].lowercased()] = value
                }
            }
            return found
        }

        // MARK: reports of IOMMUs, of several lines

        private static let intel = LinePattern("VT-d fault event reported by IOMMU {d}:")
        private static let intelSource = LinePattern("Source Identifier (bus:dev.func): {dev}")
        private static let intelReason = LinePattern("Fault Reason: {x} Fault Info: {x} Type {d}")
        private static let amd = LinePattern("AMD IOMMU {d} reported event")
        private static let amdCode = LinePattern("EventCode: {x}, Operand 1: {x}, Operand 2: {x}")
        private static let amdDevice = LinePattern("DeviceId (bus:dev.func): {dev}")

        private mutating func takeFault(_ line: [UInt8], into text: inout ConsoleText) -> Bool {
            if let values = (Self.intel.match(line) ?? Self.amd.match(line)).map(ConsoleGrammar.Values.init) {
                fault = DMAFault(unit: values.number(0), device: "", code: 0)
                return true
            }
            guard var current = fault else { return false }
            if let values = (Self.intelSource.match(line) ?? Self.amdDevice.match(line)).map(ConsoleGrammar.Values.init)
            {
                current.device = values.text(0)
            } else if let values = Self.intelReason.match(line).map(ConsoleGrammar.Values.init) {
                current.code = values.number(0)
                // the number of the page
                current.address = values.number(1) << 12
                current.access = values.number(2) == 1 ? .read : .write
            } else if let values = Self.amdCode.match(line).map(ConsoleGrammar.Values.init) {
                current.code = values.number(0)
                current.address = values.number(2)
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
}

extension Violation {
    fileprivate var isArmTrap: Bool { if case .armTrap = self { true } else { false } }

    /// An access of size 0 says where; the line before it says why the instruction is unknown.
    fileprivate func withUnknownInstruction(_ earlier: Violation?) -> Violation {
        if case .memory(_, _, size: 0) = self { return self }
        return earlier ?? self
    }
}
