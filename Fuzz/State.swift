// SPDX-License-Identifier: Apache-2.0

@testable import Supervision

// Coverage-guided fuzzing of the state file, and of the life that goes on from what stands in it.

private let supervised = Supervised(
    policy: SupervisionPolicy(), handshake: .bounded)

/// An input is the file. What is accepted is written and read again as it was; every cell in it lives on, through
/// failures and restarts, whatever the file says of times and counts.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzState(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    guard case .contents(let contents) = StateFile.reading(of: bytes, bootID: "b") else { return 0 }
    guard let written = StateFile.bytes(of: contents) else { fail("what was read cannot be written: \(contents)") }
    guard case .contents(let again) = StateFile.reading(of: written, bootID: "b"), again == contents else {
        fail("what was read is not what is written: \(contents)")
    }
    for records in contents.failures.values {
        for record in records { _ = record.reason }
    }
    for memory in contents.cells.values { goOn(from: memory) }
    return 0
}

private func goOn(from memory: LifecycleMemory) {
    var cell = CellLifecycle(supervised, memory: memory, at: Moment(nanoseconds: 1 << 40))
    let running = Observation(id: 1, state: .running, managementExits: [1], totalExits: 1)
    let failed = Observation(id: 1, state: .failed, failedCPUs: [3], managementExits: [2], totalExits: 2)
    let looks: [Sighting] = [
        .present(running), .present(failed), .absent, .present(running), .present(failed), .disabled, .absent,
    ]
    for (round, sighting) in (looks + looks).enumerated() {
        let now = Moment(nanoseconds: 1 << 40 + Int64(round) * 40_000_000)
        var actions = cell.handle(.seen(sighting), at: now)
        if case .run(let command)? = actions.last {
            actions = cell.handle(.finished(command, .done(), sighting), at: now)
        }
        if let look = cell.nextLook(after: now) { expect(look >= now, "a look in the past") }
        _ = Clock.realTime(of: cell.since)
        _ = cell.nextRestart.map(Clock.realTime(of:))
        _ = cell.memory.lastAnswerTime.map(Clock.realTime(of:))
    }
}
