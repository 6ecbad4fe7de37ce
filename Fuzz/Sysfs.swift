// SPDX-License-Identifier: Apache-2.0

@testable import Hypervisor
@testable import Supervision

// Coverage-guided fuzzing of the texts below /sys/devices/jailhouse.

/// An input is one of these texts; every reader must make sense of it or none, and nothing that was not said.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzSysfs(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = UnsafeBufferPointer(start: start, count: count)
    if let number = SysfsText.number(bytes) {
        expect(SysfsText.number("\(number)\n".utf8) == number, "another number than \(number)")
    }
    if let state = SysfsText.state(bytes) {
        expect((state.rawValue + "\n").utf8.starts(with: bytes), "\(state) was not said")
    }
    if let line = SysfsText.line(bytes) {
        expect(bytes.starts(with: line.utf8) && bytes.count - line.utf8.count <= 1, "\(line) was not said")
    }
    if let list = SysfsText.cpuList(bytes) {
        expect(zip(list, list.dropFirst()).allSatisfy { $0 < $1 }, "the CPUs are not ascending")
        expect(list.allSatisfy { (0..<1 << 16).contains($0) }, "a CPU that cannot be")
        guard list.count <= 64 else { return 0 }
        let text = list.map(String.init).joined(separator: ",") + "\n"
        expect(SysfsText.cpuList(text.utf8) == list, "other CPUs than \(text)")
    }
    return 0
}
