// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Simulator

@Suite("The files that stand for sysfs")
struct SysfsDirectoryTests {
    @Test("Nobody sees a cell failed without the CPUs for which it failed")
    func order() throws {
        var bench = try Bench.running(Samples.cell("rtems"))
        #expect(bench.machine.sysfs.cells.last?.order.first == "state")
        try bench.inject("fail", into: "rtems")
        let failed = try #require(bench.machine.sysfs.cells.last)
        #expect(failed.attributes["state"]?.hasPrefix("failed") == true)
        #expect(failed.order.last == "state")
        #expect(Set(failed.order) == Set(failed.attributes.keys))
    }
}
