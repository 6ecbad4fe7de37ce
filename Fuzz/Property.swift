// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
    import Glibc
#endif

// What a fuzzer does when a property does not hold: it says so and ends as a crash does, so that the input is kept.

func expect(_ condition: Bool, _ message: @autoclosure () -> String) {
    if !condition { fail(message()) }
}

func fail(_ message: String) -> Never {
    print(message)
    abort()
}

/// The value of an expression that must not throw.
func must<Value>(_ message: String, _ body: () throws -> Value) -> Value {
    do {
        return try body()
    } catch {
        fail("\(message): \(error)")
    }
}
