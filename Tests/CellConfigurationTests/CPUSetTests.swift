// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import CellConfiguration

@Suite struct CPUSetTests {
    @Test(arguments: [
        ("", []), ("3", [3]), ("0-2", [0, 1, 2]), ("3-5,8", [3, 4, 5, 8]), (" 1 , 3 - 4 ", [1, 3, 4]), ("70", [70]),
    ]) func listsAreRead(list: String, members: [Int]) throws {
        #expect(try CPUSet(list: list).members == members)
    }

    @Test(arguments: ["x", "1-", "-1", "5-3", "1,,2", "+3", "1-2-3", "9999999", "99999999999999999999", "0-1048576"])
    func whatIsNoListIsRefused(list: String) {
        #expect(throws: ConfigurationError.self) { try CPUSet(list: list) }
    }

    @Test func listsAreWrittenInRuns() {
        #expect(CPUSet([8, 3, 5, 4]).list == "3-5,8")
        #expect(CPUSet([]).list == "")
    }

    @Test func theBitmapIsAMultipleOfEightBytes() {
        #expect(CPUSet([3]).bitmap == [8, 0, 0, 0, 0, 0, 0, 0])
        #expect(CPUSet([64]).bitmap.count == 16)
        #expect(CPUSet([3], byteCount: 32).bitmap.count == 32)
        #expect(CPUSet([63], byteCount: 4).bitmap.count == 8)
        #expect(CPUSet([3]).contains(3) && !CPUSet([3]).contains(4) && !CPUSet([3]).contains(400))
    }
}
