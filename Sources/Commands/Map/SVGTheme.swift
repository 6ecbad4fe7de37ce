// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules

/// The colours of a map as SVG, on light and on dark paper.
enum SVGTheme {
    private struct Colours {
        var fill: String
        var line: String
    }

    private static let cellColourCount = 6

    /// The class of what someone owns.
    static func name(of owner: MapBlock.Owner) -> String {
        switch owner {
        case .linux: "linux"
        case .hypervisor: "hypervisor"
        case .platform: "platform"
        case .cell(let index): "cell\(index % cellColourCount)"
        }
    }

    static let hatching = """
        <defs><pattern id="hatching" width="7" height="7" patternUnits="userSpaceOnUse" \
        patternTransform="rotate(45)"><path class="hatch" d="M0 0 V7"/></pattern></defs>
        """

    static let styleSheet =
        sheet(light, ink: "#1c2024", faint: "#5f6b76", paper: "#ffffff", alarm: "#c62828", note: "#9a6700")
        + "@media (prefers-color-scheme: dark) {\n"
        + sheet(dark, ink: "#e6e9ec", faint: "#9aa5b1", paper: "#14181c", alarm: "#ff6b63", note: "#e3b341") + "}\n"
            + """
            text { font: 13px system-ui, "DejaVu Sans", sans-serif; }
            .address, .detail { font: 11px ui-monospace, "DejaVu Sans Mono", monospace; }
            .address { text-anchor: end; }
            .size { text-anchor: end; font-size: 11px; }
            .small, .group { font-size: 11px; }
            .title { font-size: 15px; font-weight: 600; }
            .number { text-anchor: middle; font-size: 11px; font-weight: 700; }
            .mark { font-size: 11px; font-weight: 600; }
            .block { stroke-width: 1.25; }
            .loaded { fill-opacity: 0.35; stroke-dasharray: 4 2; }
            .communication { stroke-width: 2.5; }
            .wrong { stroke-width: 2.5; }
            .band { stroke: none; fill-opacity: 0.3; }
            .axis, .hatch { fill: none; stroke-width: 1.5; }
            .few { stroke-dasharray: 2 3; }

            """

    private static let light: KeyValuePairs<String, Colours> = [
        "linux": Colours(fill: "#eceff2", line: "#8b98a5"),
        "hypervisor": Colours(fill: "#e4d9f5", line: "#6b46b0"),
        "platform": Colours(fill: "#f3edfb", line: "#a58bd0"),
        "cell0": Colours(fill: "#cde8f7", line: "#1f7fb5"),
        "cell1": Colours(fill: "#d3efd0", line: "#3b8a34"),
        "cell2": Colours(fill: "#fbe5c4", line: "#b6781a"),
        "cell3": Colours(fill: "#f7d9e6", line: "#b0407a"),
        "cell4": Colours(fill: "#d0efeb", line: "#23877c"),
        "cell5": Colours(fill: "#e9e6b8", line: "#7f7a14"),
    ]

    private static let dark: KeyValuePairs<String, Colours> = [
        "linux": Colours(fill: "#262c33", line: "#6f7c89"),
        "hypervisor": Colours(fill: "#3a2d57", line: "#b79cf0"),
        "platform": Colours(fill: "#2a2538", line: "#7f6cab"),
        "cell0": Colours(fill: "#14405a", line: "#5ab4e6"),
        "cell1": Colours(fill: "#1f4a22", line: "#74c66c"),
        "cell2": Colours(fill: "#553b10", line: "#e3ac52"),
        "cell3": Colours(fill: "#54233b", line: "#ea84b4"),
        "cell4": Colours(fill: "#12443f", line: "#58c4b7"),
        "cell5": Colours(fill: "#47440f", line: "#cfc84b"),
    ]

    private static func sheet(
        _ colours: KeyValuePairs<String, Colours>, ink: String, faint: String, paper: String, alarm: String,
        note: String
    ) -> String {
        colours.map { ".\($0.key) { fill: \($0.value.fill); stroke: \($0.value.line); }\n" }.joined() + """
            text { fill: \(ink); }
            .paper { fill: \(paper); }
            .address, .detail, .size, .small, .group { fill: \(faint); }
            .axis { stroke: \(faint); }
            .hatch, .wrong { stroke: \(alarm); }
            .badge { fill: \(note); }
            .badge.alarm { fill: \(alarm); }
            .number { fill: \(paper); }

            """
    }
}
