// SPDX-License-Identifier: Apache-2.0

/// As much of Varlink's interface language as our descriptions use.
struct InterfaceDescription {
    struct Field: Hashable {
        let name: String
        /// Without the `?`.
        let type: String
        let optional: Bool
    }

    var types: [String: [Field]] = [:]
    var methods: [String: (parameters: [Field], reply: [Field])] = [:]
    var errors: [String: [Field]] = [:]
    /// All members as they come; an interface has no two of one name.
    var members: [String] = []

    init(_ text: String) {
        let code = text.split(separator: "\n").map { $0.prefix { $0 != "#" } }.joined(separator: " ")
        var rest = Substring(code)
        func word() -> String {
            rest = rest.drop { $0 == " " }
            let word = rest.prefix { !" (".contains($0) }
            rest = rest.dropFirst(word.count)
            return String(word)
        }
        func fields() -> [Field] {
            rest = rest.drop { $0 != "(" }.dropFirst()
            let inside = rest.prefix { $0 != ")" }
            rest = rest.dropFirst(inside.count + 1)
            return inside.split(separator: ",").map {
                let parts = $0.split(separator: ":").map { $0.filter { $0 != " " } }
                return Field(
                    name: parts[0], type: parts[1].filter { $0 != "?" }, optional: parts[1].hasPrefix("?"))
            }
        }
        while true {
            let keyword = word()
            if keyword.isEmpty { break }
            let name = word()
            if keyword != "interface" { members.append(name) }
            switch keyword {
            case "type": types[name] = fields()
            case "error": errors[name] = fields()
            case "method":
                let parameters = fields()
                methods[name] = (parameters, fields())
            default: break
            }
        }
    }
}
