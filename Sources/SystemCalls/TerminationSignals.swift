// SPDX-License-Identifier: Apache-2.0

import Glibc

extension SystemCall {
    /// The signals by which a user or a service manager ends a program: SIGINT, SIGTERM and SIGHUP.
    ///
    /// Blocks them (`pthread_sigmask(3)`) in the calling thread and all threads that it starts later, so it is called
    /// before there are others. They stay pending until ``takeTerminationSignal()`` returns them.
    package static func blockTerminationSignals() {
        var signals = terminationSignals
        pthread_sigmask(SIG_BLOCK, &signals, nil)
    }

    /// A pending termination signal (`sigtimedwait(2)`), which is not pending any more then. Does not wait.
    package static func takeTerminationSignal() -> CInt? {
        var signals = terminationSignals
        var nothing = timespec()
        let number = sigtimedwait(&signals, nil, &nothing)
        return number > 0 ? number : nil
    }

    private static var terminationSignals: sigset_t {
        var signals = sigset_t()
        sigemptyset(&signals)
        for number in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&signals, number) }
        return signals
    }
}
