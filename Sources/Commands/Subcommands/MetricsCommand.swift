// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlInterface
import Metrics

struct MetricsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "metrics",
        abstract: "Print the metrics of the machine and its cells, for Prometheus.",
        discussion: """
            The text is in Prometheus' exposition format. Without a daemon it has 'jailhouse_up 0', and the exit status \
            is 69. With -o the file is replaced in one step, as node_exporter's textfile collector needs it; \
            jailhouse-metrics.timer does so. The other way is jailhouse-exporter(8).

            Example: jailhouse-ctl metrics | promtool check metrics
            Example: jailhouse-ctl --host board-1 metrics
            Example: jailhouse-ctl metrics -o /var/lib/prometheus/node-exporter/jailhouse.prom
            """
    )

    @OptionGroup var connection: ConnectionOptions

    @Option(name: .shortAndLong, help: "The result (default: standard output).", completion: .file())
    var output: String?

    func run() throws {
        let daemon = connection.daemon
        let outcome = Result { () throws(ControlError) in try MachineSample(daemon.connect(toChange: false)) }
        let text = Metrics.text(of: try? outcome.get())
        try OutputFile(output).write(Array(text.utf8), to: Screen(json: false, style: .plain))
        if case .failure(let error) = outcome { throw daemon.failure(error) }
    }
}
