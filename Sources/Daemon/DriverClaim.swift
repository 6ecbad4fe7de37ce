// SPDX-License-Identifier: Apache-2.0

import Glibc
import Hypervisor
import Logging
import SystemCalls

/// The driver is one daemon's: see ``DaemonLock``. It may be loaded, and become accessible, while this one runs.
extension Supervisor {
    enum DriverClaim {
        /// There is no driver, or it is not accessible yet.
        case pending
        case held
        /// The process has it already.
        case notNeeded
    }

    /// Takes the driver's lock, as soon as that is possible.
    ///
    /// - Throws: ``StartError`` when another daemon has it.
    func claimDriver() throws(StartError) {
        guard view.hasDriver else {
            if driverClaim == .held { driverClaim = .pending }
            return
        }
        guard driverClaim == .pending else { return }
        do {
            switch try DaemonLock(device: hypervisor.device).take() {
            case .taken: driverClaim = .held
            case .held:
                throw StartError("another daemon controls \(hypervisor.device): stop it first")
            case .noDriver: break
            }
        } catch let error as StartError {
            throw error
        } catch {
            // without access no command can be given either: udev may not have set the node's group yet
        }
    }

    /// As ``claimDriver()``, later than at the start.
    func claimDriverOrExit() {
        do {
            try claimDriver()
        } catch {
            logger.critical("\(error)")
            exit(EXIT_FAILURE)
        }
    }
}
