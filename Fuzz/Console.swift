// SPDX-License-Identifier: Apache-2.0

@testable import FailureReports
@testable import Hypervisor
@testable import Supervision

// Coverage-guided fuzzing of what the hypervisor's console shows, two readings of it.

private let cpus = [3]

/// An input is one reading, a byte 0xff and a later reading; without that byte there was nothing before.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzConsole(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let readings = UnsafeBufferPointer(start: start, count: count)
        .split(separator: 0xff, maxSplits: 1, omittingEmptySubsequences: false).map {
            String(decoding: $0, as: UTF8.self)
        }
    let after = readings.last ?? ""
    let before = readings.count == 2 ? readings[0] : ""
    keepEvidence(after)
    explain(after)
    let news = HypervisorConsole.news(before: before, after: after)
    expect(after.utf8.count >= news.utf8.count, "more is new than there is")
    expect(HypervisorConsole.news(before: after, after: after).isEmpty, "the same reading has news")
    let joined = HypervisorConsole.news(before: before, after: before + after)
    // shorter where the text repeats itself
    expect(after.utf8.reversed().starts(with: joined.utf8.reversed()), "what was appended is not the news")
    return 0
}

private func explain(_ console: String) {
    let text = ConsoleText(console)
    for violation in text.deaths.compactMap(\.violation) + text.others {
        for isRootCell in [false, true] {
            let explanation = violation.explanation(isRootCell: isRootCell)
            expect(
                explanation.summary.hasSuffix(".") && explanation.advice.hasSuffix("."), "\(violation) is not explained"
            )
        }
    }
    for fault in text.dmaFaults { expect(!fault.explanation.summary.isEmpty, "\(fault) is not explained") }
}

private func keepEvidence(_ console: String) {
    for observation in [nil, Observation(id: 1, state: .failed, failedCPUs: cpus)] {
        let record = FailureRecord(.failed(cpus: cpus), of: observation, console: console)
        expect(record.console.count <= 40, "\(record.console.count) lines are kept")
        let size = record.console.reduce(0) { $0 + $1.utf8.count }
        expect(size <= console.utf8.count, "more is kept than was printed")
        expect(record.reason.hasPrefix("CPU 3 was parked after a violation"), "the reason is \(record.reason)")
        expect(!record.reason.contains(where: \.isNewline), "the reason is no line: \(record.reason)")
    }
}
