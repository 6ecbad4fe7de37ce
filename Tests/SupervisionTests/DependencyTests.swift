// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Supervision

@Suite("Cells that need each other")
struct DependencyTests {
    /// app → rtems → network; monitor comes after rtems, and does not need it.
    private let order = DependencyOrder([
        "app": Dependencies(requires: ["rtems"]),
        "rtems": Dependencies(requires: ["network"]),
        "network": Dependencies(),
        "monitor": Dependencies(after: ["rtems"]),
    ])

    @Test("What others need starts first and stops last")
    func orders() {
        let cells = ["app", "monitor", "network", "rtems"]
        #expect(order.startOrder(of: cells) == ["network", "rtems", "app", "monitor"])
        #expect(order.stopOrder(of: cells) == ["monitor", "app", "rtems", "network"])
        #expect(
            order.startOrder(of: ["app", "network"]) == ["network", "app"], "by way of a cell that is not concerned")
    }

    @Test("Where nothing else decides, who was started last is stopped first")
    func reverseOrderOfStart() {
        let order = DependencyOrder([
            "a": Dependencies(), "b": Dependencies(after: ["c"]), "c": Dependencies(), "d": Dependencies(),
        ])
        let started = ["a": 30, "b": 10, "c": 20, "d": 5].mapValues { Moment(nanoseconds: $0) }
        // b was started before c, for instance by hand: it still goes first
        #expect(order.stopOrder(of: started.keys, started: started) == ["a", "b", "c", "d"])
    }

    @Test("A start starts what it requires; what runs already is left alone")
    func start() {
        #expect(
            order.steps(for: .start, of: "app") { _ in false } == [
                .init(.start, "network"), .init(.start, "rtems"), .init(.start, "app"),
            ])
        #expect(
            order.steps(for: .start, of: "app") { $0 == "network" } == [.init(.start, "rtems"), .init(.start, "app")])
        #expect(
            order.steps(for: .start, of: "monitor") { _ in false } == [.init(.start, "monitor")],
            "after is no more than an order")
    }

    @Test("A stop or destroy stops first whoever requires the cell")
    func stop() {
        #expect(
            order.steps(for: .stop, of: "network") { _ in true } == [
                .init(.stop, "app"), .init(.stop, "rtems"), .init(.stop, "network"),
            ])
        #expect(
            order.steps(for: .destroy, of: "rtems") { _ in true } == [.init(.stop, "app"), .init(.destroy, "rtems")])
        #expect(order.steps(for: .destroy, of: "rtems") { _ in false } == [.init(.destroy, "rtems")])
    }

    @Test("A restart restarts whoever requires the cell and ran")
    func restart() {
        #expect(
            order.steps(for: .restart, of: "rtems") { _ in true } == [
                .init(.stop, "app"), .init(.restart, "rtems"), .init(.start, "app"),
            ])
        #expect(
            order.steps(for: .restart, of: "rtems") { $0 == "rtems" } == [
                .init(.start, "network"), .init(.restart, "rtems"),
            ])
    }

    @Test("Cycles are found, also through after, each once and the shortest")
    func cycles() {
        #expect(order.cycles == [])
        let order = DependencyOrder([
            "a": Dependencies(requires: ["b"]), "b": Dependencies(after: ["c"]), "c": Dependencies(requires: ["a"]),
            "d": Dependencies(after: ["a"]), "e": Dependencies(requires: ["e"]),
            "f": Dependencies(requires: ["absent"]),
        ])
        #expect(order.cycles == [["a", "b", "c"], ["e"]])
        #expect(Set(order.startOrder(of: ["a", "b", "c", "d", "e"])).count == 5, "nothing is lost on a cycle")
    }
}
