// SPDX-License-Identifier: Apache-2.0

/// A page of the manual, before it is typeset.
package struct ManualPage: Hashable, Sendable {
    /// A part of a section.
    package indirect enum Block: Hashable, Sendable {
        case paragraph(String)
        /// A line of a synopsis, written as the term of an entry is.
        case usage(String)
        /// Lines that are shown as they are.
        case literal(String)
        /// A heading inside a section.
        case heading(String)
        /// A term with its explanation below, indented. In a term, `*…*` is bold and `<…>` italic.
        case entry(String, [Block])
    }

    package struct Section: Hashable, Sendable {
        package var title: String
        package var blocks: [Block]

        package init(_ title: String, _ blocks: [Block]) {
            self.title = title
            self.blocks = blocks
        }
    }

    package var name: String
    /// 1, 5, 7 or 8.
    package var section: Int
    /// What the page is about, in one phrase without a full stop.
    package var summary: String
    package var sections: [Section]

    package init(_ name: String, _ section: Int, summary: String, _ sections: [Section]) {
        self.name = name
        self.section = section
        self.summary = summary
        self.sections = sections.filter { !$0.blocks.isEmpty }
    }

    /// Where it is installed, below the directory of manuals.
    package var path: String { "man\(section)/\(name).\(section)" }

    /// How other pages refer to it.
    package var reference: String { "\(name)(\(section))" }
}

/// What all pages have in their margins.
package struct ManualEdition: Hashable, Sendable {
    package var version: String
    /// Year, month and day: `2026-11-26`.
    package var date: String

    package init(version: String, date: String) {
        self.version = version
        self.date = date
    }
}
