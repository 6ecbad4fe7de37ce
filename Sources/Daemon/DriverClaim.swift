// SPDX-License-Identifier: Apache-2.0

/// The driver belongs to one daemon: see ``DaemonLock``. It may be loaded, and become accessible, while this one runs.
enum DriverClaim {
    /// There is no driver, or it is not accessible yet.
    case pending
    case held
    /// The process has it already.
    case notNeeded

    /// Takes the driver's lock, as soon as that is possible.
    ///
    /// - Throws: ``StartError`` when another daemon has it.
    mutating func take(_ lock: DaemonLock, hasDriver: Bool) throws(StartError) {
        guard hasDriver else {
            if self == .held { self = .pending }
            return
        }
        guard self == .pending else { return }
        // without access no command can be given either: udev may not have set the node's group yet
        switch try? lock.take() {
        case .taken: self = .held
        case .held: throw StartError("another daemon controls \(lock.device): stop it first")
        case .noDriver, nil: break
        }
    }
}
