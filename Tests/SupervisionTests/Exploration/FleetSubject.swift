// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
@testable import Supervision

/// Definitions, a machine, and what may happen to it.
struct FleetSubject: Sendable, CustomStringConvertible {
    let description: String
    var definitions: [String: FleetDefinition]
    var world = FleetWorld()
    var asked: [FleetRequest]
    var befalls: [FleetMisfortune]
    var isUndefined: [String] = []
    var endings: [FleetEnding] = [.done, .overtaken]
    var hasNewDaemons = false
    /// A load waits until its images have been read, as in the daemon.
    var readsImages = false
    /// How many requests and misfortunes a story has at most.
    var requests = 2
    var misfortunes = 1

    var handshakes: [String: Handshake] { definitions.mapValues(\.supervised.handshake) }

    var happenings: [FleetHappening] {
        [.wake] + endings.map(FleetHappening.finish) + asked.map(FleetHappening.request)
            + befalls.map(FleetHappening.befall) + isUndefined.map(FleetHappening.undefined)
            + (readsImages
                ? definitions.keys.sorted().flatMap { [.imagesRead($0, true), .imagesRead($0, false)] } : [])
            + (hasNewDaemons ? [.newDaemon(isDone: false), .newDaemon(isDone: true)] : [])
    }

    private static func cell(
        _ handshake: Handshake = .bounded, requires: [String] = [], after: [String] = [],
        _ restart: SupervisionPolicy.Restart = .onFailure, autostart: Bool = false
    ) -> FleetDefinition {
        let policy = SupervisionPolicy(
            autostart: autostart, restart: restart, limit: .init(attempts: 1, within: .seconds(60)),
            stopTimeout: .milliseconds(500))
        return FleetDefinition(
            Supervised(policy: policy, handshake: handshake),
            dependencies: Dependencies(requires: requires, after: after))
    }

    private static let unbounded = Handshake.unbounded(accepted: true)
    private static let nameless = [CellName(bytes: []), CellName(bytes: [0xff])]

    /// Small enough for each run of the tests.
    static let small: [FleetSubject] = [
        FleetSubject(
            description: "one requires another",
            definitions: ["a": cell(.bounded, .never), "b": cell(requires: ["a"])],
            asked: [.cell(.start, "b"), .cell(.stop, "a"), .cell(.restart, "a")],
            befalls: [.fails("a"), .denies("a")]),
        FleetSubject(
            description: "cells of others",
            definitions: ["a": cell()],
            asked: [.cell(.start, "a"), .cell(.destroy, "a"), .disable(others: false), .disable(others: true)],
            befalls: [
                .comes(CellName("x"), .unbounded(accepted: false), .hangs),
                .comes(CellName("x"), .bounded, .none), .comes(nameless[0], .unbounded(accepted: false), .hangs),
            ], readsImages: true),
        FleetSubject(
            description: "a silent neighbour",
            definitions: ["a": cell(unbounded), "b": cell()],
            asked: [.cell(.start, "a"), .cell(.create, "b")],
            befalls: [.hangs("a")], endings: [.done, .lost]),
        FleetSubject(
            description: "the end of the machine",
            definitions: ["a": cell(.passive), "b": cell()],
            asked: [.cell(.start, "a"), .cell(.start, "b"), .shutDownAll(within: .seconds(8))],
            befalls: [.denies("b")], isUndefined: ["a"], readsImages: true),
        FleetSubject(
            description: "one that falls silent",
            definitions: ["a": cell(.bounded, .never), "b": cell()],
            asked: [.cell(.start, "a"), .cell(.stop, "a"), .cell(.create, "b")], befalls: [.hangs("a")], requests: 2),
        FleetSubject(
            description: "enable and disable",
            definitions: ["a": cell(autostart: true)], world: disabled,
            asked: [
                .enable(FleetStorySystem.system), .disable(others: false), .shutDownAll(within: .seconds(8)),
            ],
            befalls: [.cpuGoesOffline, .enabledByOthers, .disabledByOthers], endings: [.done, .refused]),
        FleetSubject(
            description: "a stranger in the way",
            definitions: ["a": cell(), "b": cell(requires: ["a"])],
            asked: [.cell(.start, "a"), .cell(.start, "b"), .cell(.stop, "a")],
            befalls: [
                .comes(CellName("x"), .unbounded(accepted: false), .hangs), .goes(CellName("x")), .goes(CellName("a")),
            ], requests: 1, misfortunes: 3),
        FleetSubject(
            description: "an unknown layout",
            definitions: ["a": cell()], asked: [.cell(.start, "a"), .disable(others: true)],
            befalls: [
                .comes(CellName("x"), .unbounded(accepted: false), .answers), .mismatches(CellName("x")),
            ], requests: 1, misfortunes: 2),
        FleetSubject(
            description: "a stranger under a defined name",
            definitions: ["a": cell(), "b": cell()],
            asked: [.cell(.start, "a"), .disable(others: true), .shutDownAll(within: .seconds(8))],
            befalls: [.comes(CellName("b"), .unbounded(accepted: false), .hangs), .goes(CellName("b"))],
            requests: 2, misfortunes: 2),
        FleetSubject(
            description: "Linux loses a CPU",
            definitions: ["a": cell(), "b": cell()],
            asked: [.cell(.start, "a"), .cell(.start, "b"), .disable(others: false)],
            befalls: [.linuxLosesCPU]),
        FleetSubject(
            description: "the hypervisor fails on a CPU",
            definitions: ["a": cell(), "b": cell()],
            asked: [.cell(.start, "a"), .cell(.stop, "a"), .shutDownAll(within: .seconds(8))],
            befalls: [.hypervisorFails, .fails("a")], misfortunes: 2),
    ]

    /// For make explore.
    static let large: [FleetSubject] = {
        var subjects = small
        for index in subjects.indices {
            subjects[index].hasNewDaemons = true
            subjects[index].readsImages = true
            subjects[index].endings = [.done, .refused, .lost, .overtaken]
            subjects[index].misfortunes = 2
            subjects[index].requests = 2
        }
        subjects[0].befalls += [.hangs("a"), .loses1CPU("a"), .ends("a"), .disabledByOthers]
        subjects[0].asked += [.cell(.destroy, "a"), .shutDownAll(within: .seconds(8))]
        subjects[0].isUndefined = ["a"]
        subjects[1].befalls += [
            .comes(nameless[1], .passive, .answers), .comes(CellName("x"), .unbounded(accepted: false), .answers),
            .comes(CellName("x"), .bounded, .denies), .goes(CellName("x")), .fails("a"),
        ]
        subjects[1].asked += [.shutDownAll(within: .seconds(8)), .cell(.restart, "a")]
        subjects[2].asked += [.cell(.destroy, "b"), .cell(.stop, "a"), .disable(others: false)]
        subjects[2].befalls += [.loses1CPU("a"), .fails("b")]
        subjects[2].isUndefined = ["a"]
        subjects[3].asked += [.disable(others: false)]
        subjects[3].befalls += [.hangs("b"), .disabledByOthers]
        subjects[9].asked += [.shutDownAll(within: .seconds(8))]
        subjects[9].befalls += [.fails("a"), .goes(CellName("a"))]
        subjects.append(
            FleetSubject(
                description: "three that need each other",
                definitions: ["a": cell(.bounded, .never), "b": cell(requires: ["a"]), "c": cell(after: ["b"])],
                asked: [.cell(.start, "b"), .cell(.start, "c"), .cell(.stop, "a"), .cell(.restart, "a")],
                befalls: [.fails("a"), .fails("b"), .denies("b")]))
        return subjects
    }()

    private static let disabled: FleetWorld = {
        var world = FleetWorld()
        world.hypervisor = .disabled
        return world
    }()
}
