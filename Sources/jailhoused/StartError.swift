/// Why the daemon does not start: a sentence that says what to do.
struct StartError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
