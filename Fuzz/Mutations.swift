// SPDX-License-Identifier: Apache-2.0

@testable import CellConfiguration
// for files and signals: nothing of this is installed
import Foundation

/// Mutated seeds by the million, not guided by coverage but much faster: `mutations SEEDS COUNT [FIRST]`.
///
/// Input number N is the same in each run, so `mutations SEEDS 1 N` does again what went wrong.
@main struct Mutations {
    static func main() {
        let arguments = CommandLine.arguments
        guard arguments.count >= 3, let count = UInt64(arguments[2]),
            let names = try? FileManager.default.contentsOfDirectory(atPath: arguments[1])
        else {
            print("usage: mutations SEEDS COUNT [FIRST]")
            exit(64)
        }
        let seeds = names.sorted().compactMap { FileManager.default.contents(atPath: "\(arguments[1])/\($0)") }
            .map(Array.init).filter { !$0.isEmpty }
        let first = arguments.count > 3 ? UInt64(arguments[3]) ?? 0 : 0
        for signal in [SIGILL, SIGTRAP, SIGABRT, SIGSEGV] { Glibc.signal(signal, tellNumber) }
        var accepted = 0
        for number in first..<first + count {
            current = number
            var mutation = Mutation(number: number)
            let input = mutation.input(from: seeds)
            if (try? ConfigurationFile(contents: input, path: "")) != nil { accepted += 1 }
            input.withUnsafeBufferPointer { _ = fuzzConfiguration($0.baseAddress, $0.count) }
        }
        print("\(count) inputs from \(seeds.count) seeds, \(accepted) of them accepted: all came back byte for byte")
    }
}

/// For the handler of signals, which has nothing else.
private nonisolated(unsafe) var current: UInt64 = 0

private func tellNumber(_ number: CInt) {
    print("signal \(number) at input \(current)")
    fflush(nil)
    Glibc.signal(number, SIG_DFL)
    raise(number)
}

/// What is done to a seed, by the number of the input.
private struct Mutation {
    private var state: UInt64

    init(number: UInt64) {
        state = number &* 0x9e37_79b9_7f4a_7c15
    }

    mutating func input(from seeds: [[UInt8]]) -> [UInt8] {
        var bytes = seeds[below(seeds.count)]
        for _ in 0...below(6) where !bytes.isEmpty { change(&bytes, seeds) }
        return bytes
    }

    private mutating func change(_ bytes: inout [UInt8], _ seeds: [[UInt8]]) {
        let place = below(bytes.count)
        switch below(12) {
        case 0: bytes[place] ^= 1 << UInt8(below(8))
        case 1: bytes[place] = UInt8(below(256))
        case 2...6: write(interesting(), width: [1, 2, 4, 8][below(4)], to: &bytes, at: place)
        case 7: bytes.removeSubrange(place..<min(bytes.count, place + 1 + below(32)))
        case 8: bytes.insert(contentsOf: (0...below(32)).map { _ in UInt8(below(256)) }, at: place)
        case 9: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + 1 + below(64))], at: place)
        case 10:
            let other = seeds[below(seeds.count)]
            let from = below(other.count)
            bytes.replaceSubrange(place..<min(bytes.count, place + 32), with: other[from..<min(other.count, from + 32)])
        default: bytes.swapAt(place, below(bytes.count))
        }
    }

    /// Numbers at which mistakes are made.
    private mutating func interesting() -> UInt64 {
        switch below(6) {
        case 0: 0
        case 1: UInt64.max
        case 2: 1 << UInt64(below(64))
        case 3: (1 << UInt64(below(64))) &- 1
        case 4: UInt64(below(16))
        default: next()
        }
    }

    private func write(_ number: UInt64, width: Int, to bytes: inout [UInt8], at place: Int) {
        for index in 0..<width where place + index < bytes.count {
            bytes[place + index] = UInt8(truncatingIfNeeded: number >> UInt64(8 * index))
        }
    }

    private mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(max(limit, 1))) }

    /// SplitMix64.
    private mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
