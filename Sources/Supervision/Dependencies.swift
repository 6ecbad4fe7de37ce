// SPDX-License-Identifier: Apache-2.0

/// What a cell needs of others: `requires` and `after` of its definition, with the meaning that systemd gives them.
package struct Dependencies: Hashable, Sendable {
    /// Cells that are started before this one, whenever it is started, and without which it is not started; stopping one
    /// of them stops this one first. A failure of one of them does not touch this one.
    package var requires: [String]
    /// Cells that, when they are to run as well, are started before this one and stopped after it; no more than that.
    package var after: [String]

    package init(requires: [String] = [], after: [String] = []) {
        self.requires = requires
        self.after = after
    }

    /// What comes before this cell, each once.
    package var predecessors: [String] { requires + after.filter { !requires.contains($0) } }
}

/// In which order cells are started and stopped.
package struct DependencyOrder: Hashable, Sendable {
    private let dependencies: [String: Dependencies]

    /// - Parameter dependencies: of every cell by its name; a cell that others name and that is not there is left out
    ///   of every order.
    package init(_ dependencies: [String: Dependencies]) {
        self.dependencies = dependencies
    }

    /// One step of a request that concerns several cells.
    package struct Step: Hashable, Sendable {
        package let request: Request
        package let cell: String

        package init(_ request: Request, _ cell: String) {
            self.request = request
            self.cell = cell
        }
    }

    /// These cells with each after those that it requires or comes after; where nothing decides, by name.
    ///
    /// Of a cycle, the first by name comes first: nothing is lost, although such definitions are refused.
    package func startOrder(of cells: some Collection<String>) -> [String] {
        order(of: cells.sorted())
    }

    /// These cells in stop order: a cell precedes those that it requires or comes after; otherwise the cell that was
    /// started last is first.
    ///
    /// - Parameter started: when each cell came up; those that are missing count as started first.
    package func stopOrder(of cells: some Collection<String>, started: [String: Moment] = [:]) -> [String] {
        let earliest = Moment(nanoseconds: .min)
        let byStart = cells.sorted {
            let (left, right) = (started[$0] ?? earliest, started[$1] ?? earliest)
            return left == right ? $0 < $1 : left < right
        }
        return order(of: byStart).reversed()
    }

    /// What is to be done, in this order, to carry out a request for one cell; the request itself is one of the steps.
    ///
    /// - Parameter running: whether a cell runs, or is wanted to.
    package func steps(for request: Request, of cell: String, isRunning running: (String) -> Bool) -> [Step] {
        switch request {
        case .create: [Step(request, cell)]
        case .start:
            startOrder(of: required(by: cell)).filter { !running($0) }.map { Step(.start, $0) } + [Step(.start, cell)]
        case .stop, .destroy: stops(before: cell, running) + [Step(request, cell)]
        case .restart:
            startOrder(of: required(by: cell)).filter { !running($0) }.map { Step(.start, $0) }
                + stops(before: cell, running) + [Step(request, cell)]
                + startOrder(of: dependents(on: cell).filter(running)).map { Step(.start, $0) }
        }
    }

    /// What this cell requires, and what that requires, and so on.
    package func required(by cell: String) -> Set<String> {
        reachable(from: cell) { dependencies[$0]?.requires ?? [] }
    }

    /// The cells that require this cell, directly or indirectly.
    package func dependents(on cell: String) -> Set<String> {
        reachable(from: cell) { name in dependencies.filter { $0.value.requires.contains(name) }.keys.sorted() }
    }

    /// Cells that come before each other in a circle, beginning with the first by name, each circle once; empty when
    /// every order can be kept.
    package var cycles: [[String]] {
        var found: [[String]] = []
        for name in dependencies.keys.sorted() where !found.contains(where: { $0.contains(name) }) {
            if let cycle = shortestCycle(through: name) { found.append(cycle) }
        }
        return found
    }

    private func stops(before cell: String, _ running: (String) -> Bool) -> [Step] {
        stopOrder(of: dependents(on: cell).filter(running)).map { Step(.stop, $0) }
    }

    /// Keeps the given order where dependencies leave a choice.
    private func order(of cells: [String]) -> [String] {
        var remaining = cells
        var ordered: [String] = []
        while !remaining.isEmpty {
            let ready = remaining.firstIndex { name in
                let before = predecessors(of: name)
                return !remaining.contains { $0 != name && before.contains($0) }
            }
            ordered.append(remaining.remove(at: ready ?? 0))
        }
        return ordered
    }

    /// What comes before a cell, also by way of cells that are not to be ordered.
    private func predecessors(of cell: String) -> Set<String> {
        reachable(from: cell) { dependencies[$0]?.predecessors ?? [] }
    }

    private func reachable(from cell: String, _ next: (String) -> [String]) -> Set<String> {
        var found: Set<String> = []
        var open = next(cell)
        while let name = open.popLast() {
            guard name != cell, dependencies[name] != nil, found.insert(name).inserted else { continue }
            open += next(name)
        }
        return found
    }

    private func shortestCycle(through name: String) -> [String]? {
        var paths = [[name]]
        var seen: Set<String> = []
        while !paths.isEmpty {
            let path = paths.removeFirst()
            for next in dependencies[path.last ?? name]?.predecessors ?? [] {
                if next == name { return path }
                if dependencies[next] != nil, seen.insert(next).inserted { paths.append(path + [next]) }
            }
        }
        return nil
    }
}
