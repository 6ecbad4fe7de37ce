// SPDX-License-Identifier: Apache-2.0

package import Logging

/// The kinds of entries in the journal, each with its `MESSAGE_ID` (systemd.journal-fields(7)).
///
/// `units/jailhoused.catalog` explains each to `journalctl -x`. An id never changes its meaning; a kind that is no longer
/// written keeps it.
package enum MessageKind: String, CaseIterable, Sendable {
    case cellFailed = "c68dadf775924b7c9d60c9cd2be53227"
    case cellCPUsFailed = "3bef85e42e214e588b2368727c0a48fc"
    case cellSilent = "2887974761414e889f327868f1e1bfe2"
    case cellAlive = "ebb1addddda940a4a5a07a3d1282e65a"
    case cellRestarting = "17bf1bf52f95446c928d64971d2ddf8a"
    case cellGaveUp = "d14ecb740ccf48b9a7a50fa4946b4543"
    case cellLeft = "153c8aad3c344bf4a7ac68c99e041cef"
    case cellStartLost = "95f22cd25c5c4149a88f13bca44843ff"
    case cellRecreating = "cb273047d08d4d7381427a39a81f7172"
    case cellCondition = "e41f887f566a4d8989cf2da8c4117b7b"
    case cellAdopted = "438f421b564f4f8baf89e5a4b7d74b14"
    case cellReplaced = "74c899f154af481296969b1c8af79d27"
    case cellGuestEnded = "dbf43fdc1638446e9d23d731cf99f90b"
    case cellGuestUnresponsive = "cf78de53d8674ef1a7aecc0e2bebf71c"
    case cellShutdown = "24c49804c5294d84a1968283f337fb3d"
    case cellShutdownDenied = "7c1bb68c5df94a64b4f0e9f9a3ef2b5e"
    case cellUnresponsive = "000055c22d7d461c865c21e58c6a0ffe"
    case cellConsole = "737722d236494b39a53961eda557c05f"
    case cellEvidenceLate = "8de4961911074ea993cf8d2cb581301e"
    case cellWaits = "d69de2f170e94d0998a2e2bc9f913578"
    case commandRefused = "7cbeb870bce84f51b2c62f6619bfae2e"
    case imageChanged = "7cb4b128e82341f48ba4256709df45dc"
    case imagesUnreadable = "8f63c600879b4019b4be6b0dbbd6a38a"
    case hypervisorSeen = "3afe81ce07a74fe0bdfd7d12912140d7"
    case hypervisorEnabled = "f2864d235f754d99b8564e417d05c0f3"
    case hypervisorDisabled = "d825ac58a1bc4d8f9d4da2a9c55bb51b"
    case hypervisorDespite = "3d779c3bd6884022afd15059064100c8"
    case hypervisorNotEnabled = "12fed99459f84fa9a51ad1c9ba006519"
    case linuxLostCPU = "bde76f8241764d328e9e7fc0118dc1c9"
    case deviceFault = "9e9f2866c32e489eafe366a80236930e"
    case requestDone = "9cc99432763c45ed873323449974375d"
    case requestRefused = "7c597006f99e4aacbdc8ec17084f5b31"
    case shutdownStep = "c3d5dc79cd31481381e13e8277e6dfb7"
    case definitionInvalid = "d5762b2f6d8f4c8aa86deb275946b04b"
    case definitionWarning = "514ecb85a5cd4ae8bc910ec39f79e18f"
    case definitionsReloaded = "3a32a92d9c084acda3c12a3846cf587f"
    case stateIgnored = "fc529533504742acaf75b501f34fa7a7"
    case stateUnwritable = "3ac0ed47600240e4809309cb12bba513"
    case stateWritable = "e9ac2d97cff04daebaf738d06ba37444"
    case daemonFailed = "b21a2bbff969478999d6c920a53090fc"
    case precedenceTaken = "342f2583ebb744949dd098ea8569168a"
    case precedenceRefused = "60bb14b77979480fb6748cbcb83ab47e"
    case socketFailed = "028c9d09ad4d4b60930c42bb00289446"
    case clientDropped = "5b1de3cbb2e04a57a3e1e9d0ab9f3c64"
    case clientRefused = "a1a8946d31844575bc0f94007f45eda1"

    /// How grave it is.
    package var level: Logger.Level {
        switch self {
        case .linuxLostCPU, .daemonFailed: .critical
        case .cellFailed, .cellGaveUp, .cellLeft, .hypervisorNotEnabled, .definitionInvalid, .stateUnwritable,
            .socketFailed:
            .error
        case .cellCPUsFailed, .cellSilent, .deviceFault, .cellStartLost, .cellRecreating, .cellUnresponsive,
            .cellGuestUnresponsive,
            .commandRefused,
            .imagesUnreadable,
            .hypervisorDespite, .requestRefused, .definitionWarning, .stateIgnored, .clientRefused,
            .precedenceRefused:
            .warning
        case .cellRestarting, .cellAlive, .cellReplaced, .cellShutdownDenied, .cellEvidenceLate, .cellWaits,
            .cellGuestEnded, .imageChanged,
            .hypervisorSeen, .hypervisorEnabled, .hypervisorDisabled, .requestDone, .shutdownStep, .definitionsReloaded,
            .stateWritable, .clientDropped, .precedenceTaken:
            .notice
        case .cellCondition, .cellAdopted, .cellShutdown, .cellConsole: .info
        }
    }

    /// The key of the metadata that has it.
    package static let metadataKey = "message-id"
}

extension Logger {
    /// Logs an entry of a kind, at the kind's level.
    package func record(
        _ kind: MessageKind, _ message: @autoclosure () -> Logger.Message, metadata: Logger.Metadata = [:],
        file: String = #fileID, function: String = #function, line: UInt = #line
    ) {
        var metadata = metadata
        metadata[MessageKind.metadataKey] = "\(kind.rawValue)"
        log(level: kind.level, message(), metadata: metadata, file: file, function: function, line: line)
    }
}
