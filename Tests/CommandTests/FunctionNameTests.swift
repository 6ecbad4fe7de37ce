// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Commands

@Suite struct FunctionNameTests {
    @Test("Swift's names are as they were written, Embedded Swift's too", arguments: ["$s", "$e"])
    func swift(prefix: String) {
        #expect(FunctionName.readable("\(prefix)4main5resetyyF") == "main.reset() -> ()")
    }

    @Test("What is none stays as it is", arguments: ["memcpy", "$d", "$x", "", "_start"])
    func others(symbol: String) {
        #expect(FunctionName.readable(symbol) == symbol)
    }
}
