// SPDX-License-Identifier: Apache-2.0

@testable import Supervision

/// What may happen in an exploration. All of it at once reaches millions of places; these parts overlap, and each is
/// explored to its end.
enum Alphabet: String, CaseIterable, Sendable {
    /// What every day brings; small enough for each run of the tests.
    case everyday
    /// What an inmate shows of its life: the smallest, and explored in each run of the tests, too.
    case liveness
    /// All that an inmate can do, and every end of every command.
    case inmates
    /// All that other tools do behind the daemon's back.
    case others
    /// All that people ask, definitions that come and go, daemons that die.
    case people
    /// All of them, combined.
    case everything

    /// It takes long: for the two definitions that differ most in what they are afraid of.
    func isPlayed(for subject: Subject) -> Bool {
        guard self == .everything else { return true }
        return subject.restart == .onFailure && subject.signs == nil
            && [.bounded, .unbounded(accepted: true)].contains(subject.handshake)
    }

    var happenings: [Happening] {
        let always = [Happening.look, .listen] + Deadline.allCases.map(Happening.runsOut)
        switch self {
        case .everyday:
            return always + finishes([.done, .refused, .denied, .overtaken], [nil])
                + [Request.start, .stop, .restart].map(Happening.request) + [.newDaemon]
                + [Misfortune.allCPUsFail, .inmateEnds, .destroyedByOthers].map(Happening.befall)
        case .liveness:
            return always + finishes([.done, .denied], [nil])
                + [Request.start, .stop].map(Happening.request) + [.newDaemon, .undefined, .defined]
                + [Misfortune.inmateHangs, .inmateRecovers].map(Happening.befall)
        case .inmates:
            return always + [.blindLook] + finishes(Ending.allCases, [nil, .allCPUsFail, .inmateEnds])
                + [Request.start, .stop].map(Happening.request)
                + [.newDaemon, .newDaemonAfter(.done), .newDaemonAfter(.halfDone)]
                + [
                    Misfortune.allCPUsFail, .oneCPUFails, .inmateEnds, .inmateHangs, .inmateRecovers, .abiMismatch,
                    .invalidState,
                    .locks,
                    .unlocks,
                ].map(Happening.befall)
        case .others:
            return always
                + finishes(
                    [.done, .refused, .refusedAfterwards, .overtaken], [nil, .destroyedByOthers, .disabledByOthers])
                + [Request.start, .stop].map(Happening.request) + [.newDaemon]
                + [
                    Misfortune.allCPUsFail, .shownInvalid, .shownAgain, .destroyedByOthers, .createdByOthers,
                    .createdByOthersWithAnotherID, .loadedByOthers, .startedByOthers, .stoppedByOthers,
                    .disabledByOthers, .enabledByOthers,
                ].map(Happening.befall)
        case .people:
            return always
                + finishes(
                    [.done, .refused, .denied, .overtaken], [nil, .allCPUsFail, .inmateEnds, .destroyedByOthers])
                + Request.all.map(Happening.request)
                + [.resetFailed, .released, .redefined, .undefined, .defined]
                + [.newDaemon, .newDaemonAfter(.done), .newDaemonWithoutMemory]
                + [Misfortune.allCPUsFail, .inmateEnds, .destroyedByOthers, .startedByOthers].map(Happening.befall)
        case .everything:
            var seen: Set<Happening> = []
            return Alphabet.allCases.filter { $0 != .everything }.flatMap(\.happenings).filter {
                seen.insert($0).inserted
            }
        }
    }

    /// - Parameter sudden: what happens between the command's effect and the look after it. What others load or start in
    ///   these microseconds cannot be told from what we did, and is left out.
    private func finishes(_ endings: [Ending], _ sudden: [Misfortune?]) -> [Happening] {
        endings.flatMap { ending in sudden.map { .finish(ending, then: $0) } }
    }
}
