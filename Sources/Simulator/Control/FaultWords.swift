// SPDX-License-Identifier: Apache-2.0

// Faults as the words of a ``ControlCommand``: all of them, in a fixed order; an empty one means nothing.

extension FaultUses {
    fileprivate var words: [String] { [remaining.map(String.init) ?? "", "\(probability)"] }

    fileprivate init?(_ times: String, _ probability: String) {
        guard let probability = Double(probability), (0...1).contains(probability) else { return nil }
        guard let remaining = Int(times) else {
            guard times.isEmpty else { return nil }
            self.init(times: nil, probability: probability)
            return
        }
        self.init(times: remaining, probability: probability)
    }
}

extension Duration {
    /// In nanoseconds.
    fileprivate var word: String {
        "\(components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000)ns"
    }

    fileprivate init?(word: String) {
        guard word.hasSuffix("ns"), let number = Int64(word.dropLast(2)) else { return nil }
        self = .nanoseconds(number)
    }
}

extension CommandFault {
    var words: [String] {
        let what =
            switch kind {
            case .answers(let refusal): refusal.name
            case .takes(let time): time.word
            }
        return [command ?? "", cell ?? "", moment.rawValue, what] + uses.words + [stop?.rawValue ?? ""]
    }

    init?(words: [String]) {
        guard words.count == 7, words[0].isEmpty || CommandFault.commands.contains(words[0]),
            let moment = Moment(rawValue: words[2]), let uses = FaultUses(words[4], words[5])
        else { return nil }
        let stop = EnableStop(rawValue: words[6])
        guard stop != nil || words[6].isEmpty else { return nil }
        let kind: Kind
        if let refusal = Refusal(name: words[3]) {
            kind = .answers(refusal)
        } else if let time = Duration(word: words[3]) {
            kind = .takes(time)
        } else {
            return nil
        }
        self.init(
            command: words[0].isEmpty ? nil : words[0], cell: words[1].isEmpty ? nil : words[1], moment, kind,
            uses: uses, stop: stop)
    }
}

extension SysfsFault {
    var words: [String] {
        let location: [String] =
            switch place {
            case .machine(let file): ["machine", "", file]
            case .cell(let name, let file): ["cell", name ?? "", file]
            case .half(let name): ["half", name ?? "", ""]
            }
        let until =
            switch end {
            case .at(let time): time.word
            case .changes(let count): "\(count)"
            case .cleared: ""
            }
        return location + [form.rawValue, until]
    }

    init?(words: [String]) {
        guard words.count == 5, let form = Form(rawValue: words[3]) else { return nil }
        let name = words[1].isEmpty ? nil : words[1]
        let place: Place
        switch words[0] {
        case "machine": place = .machine(file: words[2])
        case "cell": place = .cell(name, file: words[2])
        case "half": place = .half(of: name)
        default: return nil
        }
        let end: End
        if let time = Duration(word: words[4]) {
            end = .at(time)
        } else if let count = Int(words[4]) {
            end = .changes(count)
        } else {
            guard words[4].isEmpty else { return nil }
            end = .cleared
        }
        self.init(place, form, until: end)
    }
}

extension ProgramFault {
    var words: [String] {
        let what =
            switch kind {
            case .fails(let refusal): refusal.name
            case .jumps(let offset): offset.word
            case .takes(let time): time.word
            }
        return [call.name, program ?? "", process.map(String.init) ?? "", what] + uses.words
    }

    init?(words: [String]) {
        guard words.count == 6, let call = Call(name: words[0]), let uses = FaultUses(words[4], words[5]),
            words[2].isEmpty || Int32(words[2]) != nil
        else { return nil }
        let kind: Kind
        if let refusal = Refusal(name: words[3]) {
            kind = .fails(refusal)
        } else if let offset = Duration(word: words[3]) {
            kind = call == .clock ? .jumps(offset) : .takes(offset)
        } else {
            return nil
        }
        let program = words[1].isEmpty ? nil : words[1]
        guard let fault = try? ProgramFault(call, kind, program: program, process: Int32(words[2]), uses: uses) else {
            return nil
        }
        self = fault
    }
}
