// SPDX-License-Identifier: Apache-2.0

import CellDefinition
import SystemCalls

/// Asks a cell's operating system to shut down, and sees that it has, as the key `guest` of its definition says.
struct GuestCheck {
    /// What came of one look.
    enum News: Equatable {
        case asked
        /// As `ended` of `Alive` has it.
        case ended(String)
        case unable(String)
    }

    let service: GuestService
    let memory: MachineMemoryFiles
    /// How long a command may take.
    var timeout = Duration.seconds(10)
    private var isAsked = false
    /// Memory keeps what an earlier run left: only a change says something.
    private var lastAnswer: UInt32?
    private var life: Int?

    init(_ service: GuestService, memory: MachineMemoryFiles = MachineMemoryFiles()) {
        self.service = service
        self.memory = memory
    }

    /// - Parameters:
    ///   - isToEnd: whether the cell is being stopped.
    ///   - life: which run of the cell it is; nil: it does not run.
    mutating func look(isToEnd: Bool, life: Int? = nil) -> News? {
        if self.life != life {
            // what the run before left is no answer of this one
            if life != nil { lastAnswer = nil }
            self.life = life
        }
        do throws(SystemCallError) {
            switch service {
            case .words(let words): return try look(words, isToEnd)
            case .command(let command): return try look(command, isToEnd)
            }
        } catch {
            return .unable("cannot ask its guest to shut down: \(error)")
        }
    }

    private mutating func look(_ words: GuestWords, _ isToEnd: Bool) throws(SystemCallError) -> News? {
        let answer = try memory.word(at: words.answer)
        let before = lastAnswer
        lastAnswer = answer
        let end: String? =
            switch GuestWords.Answer(rawValue: answer) {
            case .hasShutDown: "shutdown"
            case .wantsReboot: "reboot"
            case .listening, .shuttingDown, nil: nil
            }
        // taken back before the next guest can read it
        let request = isToEnd && end == nil ? GuestWords.Request.shutDown : GuestWords.Request.nothing
        let isNew = try memory.word(at: words.request) != request
        if isNew { try memory.set(request, at: words.request) }
        if let end, let before, before != answer { return .ended(end) }
        return isNew && request != GuestWords.Request.nothing ? .asked : nil
    }

    /// Once for each stop: that it exits does not say that the guest has shut down.
    private mutating func look(_ command: [String], _ isToEnd: Bool) throws(SystemCallError) -> News? {
        guard isToEnd, !isAsked else {
            isAsked = isAsked && isToEnd
            return nil
        }
        isAsked = true
        switch try ChildProcess.run(command, timeout: timeout) {
        case .exited(0): return .asked
        case .exited(let status): return .unable("\(command[0]) exited with \(status)")
        case .signalled(let signal): return .unable("\(command[0]) was ended by signal \(signal)")
        case .timedOut: return .unable("\(command[0]) took longer than \(timeout.inSeconds) s and was killed")
        }
    }
}

extension Duration {
    fileprivate var inSeconds: Int64 { components.seconds }
}
