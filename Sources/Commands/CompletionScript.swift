// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// The completions of shells, as swift-argument-parser writes them.
enum CompletionScript {
    /// What is understood before the command is read.
    private struct CommandLineShape: ParsableCommand {
        static let configuration = JailhouseCtl.configuration

        @Option(name: [.customShort("H"), .long], help: "Another machine, reached through ssh.")
        var host: [String] = []
    }

    /// - Parameter words: `--generate-completion-script bash`, or with `=`.
    static func show(_ words: [String]) throws {
        let name = words.last.map { $0.split(separator: "=").last.map(String.init) ?? $0 }
        guard let shell = name.flatMap(CompletionShell.init(rawValue:)) else { return CommandLineShape.main(words) }
        var script = CommandLineShape.completionScript(for: shell)
        if shell == .bash, let start = script.firstRange(of: "\n_jailhouse-ctl() {\n") {
            script.insert(contentsOf: joining, at: start.upperBound)
        }
        try Screen(json: false, style: .plain).show(script)
    }

    /// Bash breaks words at the characters of COMP_WORDBREAKS: `--host=root@board` is five of them.
    private static let joining = """
            local -a joined_words=()
            local joined_word
            local -i joined_index joined_cword=COMP_CWORD joined_glue=0
            for ((joined_index = 0; joined_index < ${#COMP_WORDS[@]}; joined_index++)); do
                joined_word="${COMP_WORDS[joined_index]}"
                if ((${#joined_words[@]} > 0)) && { ((joined_glue)) || [[ "${joined_word}" == [@=:]* ]]; }; then
                    joined_words[${#joined_words[@]} - 1]+="${joined_word}"
                    ((joined_index <= COMP_CWORD)) && joined_cword=$((joined_cword - 1))
                    joined_glue=0
                else
                    joined_words+=("${joined_word}")
                fi
                [[ "${joined_word}" == [@=:] ]] && joined_glue=1
            done
            COMP_WORDS=("${joined_words[@]}")
            COMP_CWORD=${joined_cword}

        """
}
