// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization
import SystemCalls

/// Signals that came since they were looked at last: one bit each.
private let pendingSignals = Atomic<UInt64>(0)
/// Where a signal handler rings; -1: nowhere.
private let signalDescriptor = Atomic<CInt>(-1)

/// For signal(2): does only what is allowed in a handler.
private func noteSignal(_ number: CInt) {
    pendingSignals.bitwiseOr(1 << UInt64(number), ordering: .relaxed)
    let reason = errno
    var byte: UInt8 = 0
    _ = Glibc.write(signalDescriptor.load(ordering: .relaxed), &byte, 1)
    errno = reason
}

/// The terminal of standard input and output while a program draws on all of it.
///
/// Between ``init()`` and ``leave()`` it shows its alternate screen, and keys come one by one and unseen.
final class TerminalSession {
    enum Event: Hashable {
        case input([UInt8])
        /// The other descriptor is readable.
        case news
        case timeOut
        case resized
        /// By SIGINT, SIGTERM or SIGHUP, or because the terminal is gone.
        case ended(CInt)
    }

    private static let signals = [SIGWINCH, SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGCONT]
    private static let enter = "\u{1b}[?1049h\u{1b}[?25l"
    private static let leave = "\u{1b}[0m\u{1b}[?25h\u{1b}[?1049l"

    private let signalled: Doorbell
    private var original = termios()
    private var isEntered = false

    /// - Throws: `SystemCallError` when standard input is no terminal.
    init() throws(SystemCallError) {
        signalled = try Doorbell()
        try SystemCall.result(of: "tcgetattr") { tcgetattr(STDIN_FILENO, &original) }
        signalDescriptor.store(signalled.ringing, ordering: .relaxed)
        _ = pendingSignals.exchange(0, ordering: .relaxed)
        for number in Self.signals { signal(number, noteSignal) }
        enter()
    }

    /// Columns and lines; 80 and 24 when the terminal does not say.
    var size: (width: Int, height: Int) {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
            return (80, 24)
        }
        return (Int(size.ws_col), Int(size.ws_row))
    }

    /// Draws lines from the top; what was there before is gone.
    ///
    /// - Returns: false when the terminal is gone.
    func draw(_ lines: [String]) -> Bool {
        var text = "\u{1b}[H"
        for (index, line) in lines.enumerated() { text += (index == 0 ? "" : "\r\n") + line + "\u{1b}[K" }
        return write(text + "\u{1b}[J")
    }

    /// Waits for a key, a signal or the other descriptor.
    func wait(for descriptor: CInt, atMost time: Duration) -> Event {
        var events = [
            pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0),
            pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
            pollfd(fd: signalled.descriptor, events: Int16(POLLIN), revents: 0),
        ]
        let parts = max(time, .zero).components
        let milliseconds = parts.seconds * 1000 + parts.attoseconds / 1_000_000_000_000_000 + 1
        let count = poll(&events, nfds_t(events.count), CInt(clamping: milliseconds))
        signalled.clear()
        if let event = takeSignal() { return event }
        guard count > 0 else { return .timeOut }
        if events[1].revents != 0 { return .news }
        var buffer = [UInt8](repeating: 0, count: 256)
        let got = read(STDIN_FILENO, &buffer, buffer.count)
        // the end of a terminal is a hangup
        return got > 0 ? .input(Array(buffer[..<got])) : .ended(SIGHUP)
    }

    private func takeSignal() -> Event? {
        let signals = pendingSignals.exchange(0, ordering: .relaxed)
        func came(_ number: CInt) -> Bool { signals & 1 << UInt64(number) != 0 }
        for number in [SIGHUP, SIGTERM, SIGINT] where came(number) { return .ended(number) }
        if came(SIGTSTP) { suspend() }
        return came(SIGTSTP) || came(SIGCONT) || came(SIGWINCH) ? .resized : nil
    }

    /// Gives the terminal back as it was.
    func leave() {
        guard isEntered else { return }
        isEntered = false
        _ = write(Self.leave)
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &original)
    }

    private func enter() {
        var mode = original
        // signals of the keyboard stay
        mode.c_lflag &= ~tcflag_t(ICANON | ECHO)
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &mode)
        isEntered = true
        _ = write(Self.enter)
    }

    /// Stops the process as the terminal's user wants it, until it is continued.
    private func suspend() {
        leave()
        raiseByDefault(SIGTSTP)
        signal(SIGTSTP, noteSignal)
        enter()
    }

    /// Has a signal do what it does to a program that does not know it.
    func raiseByDefault(_ number: CInt) {
        signal(number, SIG_DFL)
        raise(number)
    }

    private func write(_ text: String) -> Bool {
        (try? SystemCall.write(Array(text.utf8), to: STDOUT_FILENO)) != nil
    }
}

/// A descriptor that is readable after it was rung, for those who wait for several descriptors.
final class Doorbell: Sendable {
    private let listeningEnd: OwnedDescriptor
    private let ringingEnd: OwnedDescriptor

    init() throws(SystemCallError) {
        let type = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        var ends: [CInt] = [-1, -1]
        try SystemCall.result(of: "socketpair") { socketpair(AF_UNIX, type, 0, &ends) }
        listeningEnd = OwnedDescriptor(adopting: ends[0])
        ringingEnd = OwnedDescriptor(adopting: ends[1])
    }

    var descriptor: CInt { listeningEnd.rawValue }
    /// A byte written to it rings.
    var ringing: CInt { ringingEnd.rawValue }

    func ring() {
        var byte: UInt8 = 0
        // a full buffer has been rung
        _ = Glibc.write(ringing, &byte, 1)
    }

    func clear() {
        var bytes = [UInt8](repeating: 0, count: 64)
        while read(descriptor, &bytes, bytes.count) > 0 {}
    }
}
