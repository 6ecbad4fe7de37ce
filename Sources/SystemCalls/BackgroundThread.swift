// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A thread for calls that block.
package struct BackgroundThread: Sendable {
    private let handle: pthread_t

    private final class Body {
        let run: @Sendable () -> Void

        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// Starts it. Nil when the system has no thread left (`pthread_create(3)`, EAGAIN).
    package init?(_ run: @escaping @Sendable () -> Void) {
        let body = Unmanaged.passRetained(Body(run))
        var handle = pthread_t()
        let result = pthread_create(
            &handle, nil,
            { body in
                if let body { Unmanaged<Body>.fromOpaque(body).takeRetainedValue().run() }
                return nil
            }, body.toOpaque())
        guard result == 0 else {
            body.release()
            return nil
        }
        self.handle = handle
    }

    /// Detaches it. Either this or ``join()`` must be called, once.
    package func detach() {
        pthread_detach(handle)
    }

    /// Returns when it has ended.
    package func join() {
        pthread_join(handle, nil)
    }
}
