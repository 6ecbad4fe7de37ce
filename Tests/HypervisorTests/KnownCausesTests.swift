// SPDX-License-Identifier: Apache-2.0

import Supervision
import SystemCalls
import SystemPackage
import Testing

@testable import Hypervisor

@Suite("Which cause of an error number it was")
struct KnownCausesTests {
    private static let refused = HypervisorError(
        .create, on: "a", SystemCallError(call: "ioctl", subject: "", errno: .noMemory))

    @Test(
        "A pool that is nearly used up is it, with its numbers and what enlarges it",
        arguments: [
            (
                HypervisorView.Pools(memorySize: 979, memoryUsed: 968, remapSize: 131_072, remapUsed: 5), "memory pool",
                "11 of its 979"
            ),
            (.init(memorySize: 979, memoryUsed: 890, remapSize: 131_072, remapUsed: 5), "memory pool", "89 of its 979"),
            (
                .init(memorySize: 979, memoryUsed: 200, remapSize: 131_072, remapUsed: 131_072), "remap pool",
                "0 of its 131072"
            ),
        ])
    func pools(pools: HypervisorView.Pools, name: String, numbers: String) {
        let message = Self.refused.named(by: pools).message
        #expect(message.hasPrefix("create a: \(Refusal.knownCause)the hypervisor's \(name)"), "\(message)")
        #expect(message.contains(numbers), "\(message)")
        #expect(message.contains("[hypervisor-memory]") == (name == "memory pool"), "\(message)")
    }

    @Test("Of pools that have enough only the numbers are said; of none that were read, nothing")
    func enough() {
        let some = HypervisorView.Pools(memorySize: 979, memoryUsed: 214, remapSize: 131_072, remapUsed: 65_541)
        let message = Self.refused.named(by: some).message
        #expect(message.hasPrefix(Self.refused.message) && !message.contains(Refusal.knownCause), "\(message)")
        #expect(message.contains("765 of 979 pages") && message.contains("65531 of 131072"), "\(message)")
        #expect(Self.refused.named(by: HypervisorView.Pools()) == Self.refused)
    }
}
