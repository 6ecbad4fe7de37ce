// SPDX-License-Identifier: Apache-2.0

import ControlInterface
import Testing

@testable import Commands

@Suite("top")
struct TopTests {
    private func statistics(_ total: Int, mmio: Int = 0, pio: Int = 0) -> [Manager.Statistic] {
        [
            .init(name: "vmexits_total", value: total), .init(name: "vmexits_mmio", value: mmio),
            .init(name: "vmexits_pio", value: pio), .init(name: "cpu3/vmexits_total", value: total),
        ]
    }

    private func sample(
        _ cells: [Manager.Cell], _ statistics: [String: [Manager.Statistic]] = [:], second: Int,
        failures: [String: Manager.Failure] = [:]
    ) -> TopSample {
        TopSample(
            machine: Samples.machine, cells: cells, statistics: statistics, failures: failures,
            at: Self.start + .seconds(second))
    }

    private static let start = ContinuousClock.now

    private func expect(_ key: TopModel.Key, in model: inout TopModel, leaves: Bool = false) {
        let stays = model.press(key, height: 10)
        #expect(stays != leaves)
    }

    @Test("Rates are of the whole cell, the most frequent reason first")
    func rates() throws {
        let before = ExitRates.counters(statistics(100, mmio: 10, pio: 5))
        let after = ExitRates.counters(statistics(150, mmio: 20, pio: 45))
        #expect(before.count == 3)
        let rates = try #require(ExitRates(from: before, to: after, seconds: 2))
        #expect(rates.total == 25)
        #expect(rates.reasons == [.init(name: "pio", rate: 20), .init(name: "mmio", rate: 5)])
        #expect(ExitRates(from: before, to: after, seconds: 0) == nil)
        #expect(ExitRates(from: [:], to: after, seconds: 1) == nil)
    }

    @Test("A counter goes round at 2^31; one that begins again gives no rate")
    func wrapping() {
        let round = ExitRates(
            from: ["vmexits_total": (1 << 31) - 10], to: ["vmexits_total": 20], seconds: 1)
        #expect(round?.total == 30)
        #expect(ExitRates(from: ["vmexits_total": 5000], to: ["vmexits_total": 3], seconds: 1) == nil)
    }

    @Test(arguments: [
        (0.0, "0"), (0.5, "0.5"), (2, "2"), (9.96, "10"), (999, "999"), (1234, "1.2k"), (34_000, "34k"),
        (5_600_000, "5.6M"), (999_499, "999k"), (999_600, "1M"),
    ])
    func rateText(rate: Double, text: String) { #expect(ExitRates.text(rate) == text) }

    @Test("Cells are sorted as asked, and the selected one stays selected")
    func order() {
        var model = TopModel()
        let cells = [
            Samples.cell("a", restarts: 1), Samples.cell("b", restarts: 3), Samples.cell("c", restarts: 2),
        ]
        model.take(sample(cells, second: 0))
        #expect(model.selected == "a")
        expect(.down, in: &model)
        #expect(model.selected == "b")
        for _ in 0..<2 { expect(.character("s"), in: &model) }
        #expect(model.order == .restarts)
        #expect(model.rows.map(\.cell.name) == ["b", "c", "a"])
        #expect(model.selected == "b")
        expect(.character("r"), in: &model)
        #expect(model.rows.map(\.cell.name) == ["a", "c", "b"])
        model.take(sample(Array(cells.prefix(1)), second: 1))
        #expect(model.selected == "a")
        expect(.character("q"), in: &model, leaves: true)
    }

    @Test("While it is paused nothing changes; help is closed by any key")
    func pause() {
        var model = TopModel()
        model.take(sample([Samples.cell("a")], second: 0))
        _ = model.press(.character("p"), height: 10)
        model.take(sample([Samples.cell("b")], second: 1))
        #expect(model.rows.map(\.cell.name) == ["a"])
        _ = model.press(.character(" "), height: 10)
        model.take(sample([Samples.cell("b")], second: 2))
        #expect(model.rows.map(\.cell.name) == ["b"])
        _ = model.press(.character("?"), height: 10)
        #expect(model.showsHelp)
        expect(.character("q"), in: &model)
        #expect(!model.showsHelp)
    }

    @Test("Of more cells than fit, those around the selected one are shown")
    func scrolling() {
        var model = TopModel()
        model.take(sample((10..<40).map { Samples.cell("cell\($0)") }, second: 0))
        let screen = TopScreen(width: 80, height: 24, style: .plain, marksSelection: false)
        // before the daemon has answered, nobody knows how many there are
        #expect(!screen.frame(TopModel(), now: Samples.now, zone: .utc).contains { $0.hasPrefix("no cells") })
        #expect(screen.frame(model, now: Samples.now, zone: .utc).count == 24)
        _ = model.press(.last, height: screen.rowCount)
        let frame = screen.frame(model, now: Samples.now, zone: .utc)
        #expect(frame.count == 24)
        #expect(frame[20].hasPrefix("cell39"))
        #expect(frame[3].hasPrefix("cell22"))
        _ = model.press(.first, height: screen.rowCount)
        #expect(screen.frame(model, now: Samples.now, zone: .utc)[3].hasPrefix("cell10"))
    }

    @Test("A frame of 80 columns", arguments: [80, 120, 40, 10, 1])
    func frame(width: Int) throws {
        var model = TopModel()
        let cells = [
            Samples.cell("rtems", restarts: 12),
            Samples.cell(
                "a-name-of-thirty-one-characters", state: "failed", "gave-up", cpus: [1, 2, 4, 6], failed: [2],
                restarts: 3),
        ]
        model.take(sample(cells, ["rtems": statistics(0)], second: 0))
        model.take(
            sample(
                cells, ["rtems": statistics(2500, mmio: 2000, pio: 500)], second: 1,
                failures: ["rtems": Samples.failure]))
        _ = model.press(.last, height: 10)
        let screen = TopScreen(width: width, height: 9, style: .plain, marksSelection: false)
        let frame = screen.frame(model, now: Samples.now, zone: .utc)
        #expect(frame.count == 9)
        for line in frame { #expect(line.count <= width) }
        guard width == 80 else { return }
        #expect(
            frame == [
                "08:41:15  Jailhouse enabled, 2 cells, 2.5k exits/s, 214 of 979 pages used", "by name",
                "CELL                 CONDITION CPUS          EXITS/S RST AGE FAILED BY REASON",
                "a-name-of-thirty-on… gave-up   1-2,4,6 (fai…       -   3  3s      - -",
                "rtems                running   3                2.5k  12  3s     7s mmio 2k pio…", "",
                "rtems: 7s ago: invalid PIO write, port 0x70, size 1", "",
                "q quit  s sort  r reverse  p pause  arrows select  ? help",
            ])
    }

    @Test("Escape sequences may come in pieces")
    func keys() {
        var reader = KeyReader()
        let pieces: [([UInt8], [TopModel.Key])] = [
            ([0x1b], []), (Array("[".utf8), []),
            (Array("Aq\u{1b}[5~\u{1b}OB".utf8), [.up, .character("q"), .pageUp, .down]), ([0x1b], []),
        ]
        for (bytes, keys) in pieces {
            let read = reader.take(bytes)
            #expect(read == keys)
        }
        let late = reader.timeOut()
        #expect(late == [.escape])
        let unknown = reader.take(Array("\u{1b}[1;5Cx".utf8))
        #expect(unknown == [.character("x")])
        let escape = reader.take([0x1b, UInt8(ascii: "q")])
        #expect(escape == [.escape, .character("q")])
    }

    @Test("Without a terminal it prints one table")
    func once() throws {
        let daemon = try ScriptedDaemon { call in
            switch call.method {
            case Manager.Statistics.qualifiedName:
                .reply(Manager.Statistics.self, .init(statistics: [.init(name: "vmexits_total", value: 7)]))
            case Manager.Failures.qualifiedName:
                .reply(Manager.Failures.self, .init(failures: [Samples.failure]))
            default:
                .reply(Manager.List.self, .init(machine: Samples.machine, cells: [Samples.cell(), Samples.absent]))
            }
        }
        let outcome = try Executable.run(["top", "--interval", "0.2", "--socket", daemon.socket])
        #expect(outcome.status == 0)
        let lines = outcome.output.split(separator: "\n")
        #expect(lines.count == 3)
        #expect(lines[1].hasPrefix("linux-demo  absent"))
        #expect(lines[2].hasPrefix("rtems       running    3     0        1"), "\(lines[2])")
        // of a cell to which nothing happened the failures are not asked for again
        #expect(daemon.calls.filter { $0.method == Manager.Failures.qualifiedName }.count == 2)
        #expect(try Executable.run(["top", "--once", "--socket", "/nowhere"]).status == 69)
    }
}
