// SPDX-License-Identifier: Apache-2.0

/// A fault of sysfs: a file that is not there, or says something else than it should.
package struct SysfsFault: Hashable, Sendable {
    package enum Form: String, Hashable, Sendable, CaseIterable {
        /// There is no such file.
        case gone
        case empty
        /// Bytes that mean nothing.
        case garbage
        /// The first half of its text.
        case truncated
    }

    package enum Place: Hashable, Sendable {
        /// One of the device's own, such as `enabled`.
        case machine(file: String)
        /// One below `cells/ID/`, such as `state` or `statistics/vmexits_total`; cell nil: each cell's.
        case cell(String?, file: String)
        /// Every second file of a cell's directory, as if it were being made or removed; cell nil: each cell's.
        case half(of: String?)
    }

    package enum End: Hashable, Sendable {
        /// Since the machine was switched on.
        case at(Duration)
        /// When what the file should say has changed so often.
        case changes(Int)
        case cleared
    }

    package var place: Place
    package var form: Form
    package var end: End
    /// What the files would have said, for counting changes.
    var truth: Int?

    package init(_ place: Place, _ form: Form, until end: End) {
        self.place = place
        self.form = form
        self.end = end
    }

    /// The files that are always there.
    package static let machineFiles = [
        "enabled", "console", "mem_pool_size", "mem_pool_used", "remap_pool_size", "remap_pool_used",
    ]

    /// Nil: without the file.
    private func distort(_ text: String) -> String? {
        switch form {
        case .gone: nil
        case .empty: ""
        case .garbage: "\u{1}?%#\n\u{7f}\n"
        case .truncated: String(text.prefix(text.count / 2))
        }
    }

    /// The paths of the files that it is about, with what they should say.
    func concerned(in tree: SysfsTree, named names: [Int: String]) -> [(cell: Int?, file: String, text: String)] {
        switch place {
        case .machine(let file):
            return tree.attributes[file].map { [(nil, file, $0)] } ?? []
        case .cell(let name, let file):
            return tree.cells.compactMap { cell in
                guard name == nil || names[cell.id] == name, let text = cell.attributes[file] else { return nil }
                return (cell.id, file, text)
            }
        case .half(let name):
            return tree.cells.filter { $0.id != 0 && (name == nil || names[$0.id] == name) }.flatMap { cell in
                cell.attributes.keys.sorted().enumerated().filter { $0.offset % 2 == 1 }
                    .map { (cell.id, $0.element, cell.attributes[$0.element] ?? "") }
            }
        }
    }

    func apply(to tree: inout SysfsTree, named names: [Int: String]) {
        for (id, file, text) in concerned(in: tree, named: names) {
            guard let id else {
                tree.attributes[file] = distort(text)
                continue
            }
            guard let index = tree.cells.firstIndex(where: { $0.id == id }) else { continue }
            tree.cells[index].attributes[file] = distort(text)
        }
    }
}

extension SysfsFault: CustomStringConvertible {
    package var description: String {
        let what =
            switch place {
            case .machine(let file): "\(file) is \(form.rawValue)"
            case .cell(let name, let file):
                "\(name.map { "cell \"\($0)\"" } ?? "every cell")'s \(file) is \(form.rawValue)"
            case .half(let name):
                "half of \(name.map { "cell \"\($0)\"" } ?? "every cell")'s files are \(form.rawValue)"
            }
        let until =
            switch end {
            case .at(let time): "until \(DurationText.text(time)) of uptime"
            case .changes(let count): "for \(count) changes"
            case .cleared: "until cleared"
            }
        return "\(what), \(until)"
    }
}

extension MachineFaults {
    /// Ends what has had its time, and counts changes.
    ///
    /// - Returns: whether what sysfs shows is another thing now.
    mutating func passSysfs(_ tree: @autoclosure () -> SysfsTree, named names: [Int: String], now: Duration) -> Bool {
        guard !sysfs.isEmpty else { return false }
        let before = sysfs.count
        let counts = sysfs.contains { if case .changes = $0.end { true } else { false } }
        let truth = counts ? tree() : SysfsTree()
        for index in sysfs.indices {
            guard case .changes(let count) = sysfs[index].end else { continue }
            var hasher = Hasher()
            for (cell, file, text) in sysfs[index].concerned(in: truth, named: names) {
                hasher.combine(cell)
                hasher.combine(file)
                hasher.combine(text)
            }
            let hash = hasher.finalize()
            if let old = sysfs[index].truth, old != hash { sysfs[index].end = .changes(count - 1) }
            sysfs[index].truth = hash
        }
        sysfs.removeAll { fault in
            switch fault.end {
            case .at(let time): time <= now
            case .changes(let count): count <= 0
            case .cleared: false
            }
        }
        return sysfs.count != before
    }

    /// When the next one ends by itself.
    var nextEnd: Duration? {
        sysfs.lazy.compactMap { if case .at(let time) = $0.end { time } else { nil } }.min()
    }
}
