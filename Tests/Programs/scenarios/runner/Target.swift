// SPDX-License-Identifier: Apache-2.0

import CellDefinition
import Glibc
import Hypervisor
import InmateImage
import JailhouseInterface
import Simulator
import Supervision
import SystemCalls
import SystemPackage

/// The machine that scenarios are played on: whatever /dev/jailhouse there is.
final class Target {
    private let device: JailhouseDevice
    private let console: ConsoleReader
    private let view = HypervisorView()
    /// Of the simulated machine; nil: a real one.
    private let simulator = getenv("JAILHOUSE_SIM_DIRECTORY").map { String(cString: $0) }
    /// What the hypervisor printed since ``forget()``.
    private(set) var printed = ""
    private var lastLoad: ContinuousClock.Instant?

    /// A start that follows a load sooner can be lost.
    private static let settling = Duration.milliseconds(20)

    init() throws {
        device = try JailhouseDevice()
        console = try ConsoleReader()
    }

    var isSimulated: Bool { simulator != nil }
    var description: String { simulator.map { "the simulated machine at \($0)" } ?? "/dev/jailhouse" }

    func enableIfNeeded(_ configuration: () throws -> [UInt8]) throws {
        view.look()
        if !view.isEnabled { try device.enable(try configuration()) }
    }

    /// What the driver answers: `0` or the name of an errno.
    func perform(_ command: Scenario.Command, _ cell: CellDefinition) throws -> String {
        let reference = Hypervisor.CellReference(name: cell.name)
        var pieces: [PreloadImage] = []
        if command == .load {
            pieces = try cell.loadPlan { try SystemCall.contents(ofFile: $0, limit: 64 << 20) }
                .map { PreloadImage(address: $0.address, contents: $0.contents) }
        }
        do throws(SystemCallError) {
            switch command {
            case .create: try device.create(cell.configuration)
            case .load, .shutDown:
                try device.load(reference, pieces)
                lastLoad = .now
            case .start:
                if let lastLoad { SystemCall.sleep(for: Target.settling - (ContinuousClock.now - lastLoad)) }
                try device.start(reference)
            case .destroy: try device.destroy(reference)
            }
            return "0"
        } catch {
            return Refusal(rawValue: error.errno.rawValue).name
        }
    }

    func inject(_ words: [String], into cell: String) throws {
        guard let simulator else { return }
        try ControlCommand.inject(cell: cell, words: words).send(toMachineAt: simulator)
    }

    /// Nil: there is no such cell.
    func look(at cell: String) -> (state: String, failedCPUs: [Int])? {
        view.look()
        guard let found = view.guests.first(where: { $0.label == cell }) else { return nil }
        return (found.observation.state.rawValue, found.observation.failedCPUs)
    }

    func listen() {
        while let news = try? console.read(), !news.isEmpty {
            printed += String(news.unicodeScalars.filter { $0 != "\r" })
        }
    }

    func forget() {
        listen()
        printed = ""
    }
}
